//! One request to the kernel's ethtool: bytes of a module's EEPROM.
//!
//! Source: kernel, Documentation/networking/ethtool-netlink.rst, `MODULE_EEPROM_GET`
//! (since 5.13; needs CAP_NET_ADMIN). The kernel talks to the module while we send, so
//! sending may take long or hang: only for [`crate::slow_io::SlowIo`]. The messages are
//! the `ethtool` crate's; its own connection is asynchronous and not used.

use std::fmt::Debug;
use std::io;
use std::time::Duration;

use ethtool::{EthtoolAttr, EthtoolMessage, EthtoolModuleEEPROMAttr};
use netlink_packet_core::{
    Emitable, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload, ParseableParametrized,
};
use netlink_packet_generic::ctrl::nlas::{GenlCtrlAttrs, OpAttrs};
use netlink_packet_generic::ctrl::{GenlCtrl, GenlCtrlCmd};
use netlink_packet_generic::{GenlFamily, GenlHeader, GenlMessage};
use netlink_sys::protocols::NETLINK_GENERIC;
use netlink_sys::{Socket, SocketAddr};

/// The answer is there when sending returns; waiting is for a kernel that has forgotten.
const PATIENCE: Duration = Duration::from_secs(1);

/// The longest answer describes the family ethtool, 2 kB in Linux 6.18.
const MAX_ANSWER_BYTES: usize = 16 * 1024;

/// `ETHTOOL_MSG_MODULE_EEPROM_GET` (include/uapi/linux/ethtool_netlink.h).
const MODULE_EEPROM_GET: u32 = 31;

/// One of the two chips of a module, by its address on the I²C bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chip {
    /// What the module is, "page A0h".
    Identity,
    /// What it measures, "page A2h".
    Diagnostics,
}

impl Chip {
    fn address(self) -> u8 {
        match self {
            Self::Identity => 0x50,
            Self::Diagnostics => 0x51,
        }
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error("this kernel has no ethtool over netlink (CONFIG_ETHTOOL_NETLINK)")]
    NoFamily,
    #[error("this kernel cannot read module EEPROMs over netlink (Linux 5.13 can)")]
    NoCommand,
    #[error("generic netlink: {0}")]
    Failed(#[from] io::Error),
}

/// A connection to the kernel's ethtool.
pub(super) struct Ethtool {
    socket: Socket,
    family: u16,
}

impl Ethtool {
    pub(super) fn open() -> Result<Self, OpenError> {
        let socket = Socket::new(NETLINK_GENERIC)?;
        socket.connect(&SocketAddr::new(0, 0))?;
        socket2::SockRef::from(&socket).set_read_timeout(Some(PATIENCE))?;

        let name = EthtoolMessage::family_name().to_owned();
        let question =
            GenlCtrl { cmd: GenlCtrlCmd::GetFamily, nlas: vec![GenlCtrlAttrs::FamilyName(name)] };
        match exchange(&socket, 0, question) {
            Ok(answer) => Ok(Self { family: family_of(&answer.nlas)?, socket }),
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Err(OpenError::NoFamily),
            Err(error) => Err(error.into()),
        }
    }

    /// `length` bytes from `offset` on, which must not lead past byte 128.
    ///
    /// # Errors
    /// Those of the driver: `EOPNOTSUPP`, `ENODEV` (no module), `EREMOTEIO`, …
    pub(super) fn read(
        &self,
        device: &str,
        chip: Chip,
        offset: u8,
        length: u8,
    ) -> io::Result<Vec<u8>> {
        let question = EthtoolMessage::new_module_eeprom_get(
            Some(device),
            offset.into(),
            length.into(),
            0,
            0,
            chip.address(),
        );
        let answer = exchange(&self.socket, self.family, question)?;
        module_data(answer, length)
            .ok_or_else(|| malformed("an answer without the bytes asked for"))
    }
}

/// The bytes of a module; `None`: there are none, or fewer than `length`.
pub(super) fn module_data(answer: EthtoolMessage, length: u8) -> Option<Vec<u8>> {
    let data = answer.nlas.into_iter().find_map(|attribute| match attribute {
        EthtoolAttr::ModuleEEPROM(EthtoolModuleEEPROMAttr::Data(data)) => Some(data),
        _ => None,
    });
    data.filter(|data| data.len() >= usize::from(length))
}

/// The number the kernel has given to the family ethtool. Whether it knows the command
/// must be asked here: an unknown command and a driver without EEPROM are refused with
/// the same error.
pub(super) fn family_of(answer: &[GenlCtrlAttrs]) -> Result<u16, OpenError> {
    let mut family = None;
    let mut is_known = false;
    for attribute in answer {
        if let GenlCtrlAttrs::FamilyId(id) = attribute {
            family = Some(*id);
        } else if let GenlCtrlAttrs::Ops(commands) = attribute {
            let mut commands = commands.iter().flatten();
            is_known |= commands.any(|command| *command == OpAttrs::Id(MODULE_EEPROM_GET));
        }
    }
    match family {
        None => Err(malformed("a family without a number").into()),
        Some(_) if !is_known => Err(OpenError::NoCommand),
        Some(family) => Ok(family),
    }
}

/// Asks the kernel and takes its answer, or the error it answers with.
fn exchange<F>(socket: &Socket, family: u16, question: F) -> io::Result<F>
where
    F: GenlFamily + Emitable + ParseableParametrized<[u8], GenlHeader> + Debug,
{
    let mut message = GenlMessage::from_payload(question);
    message.set_resolved_family_id(family);
    let mut message = NetlinkMessage::from(message);
    message.header.flags = NLM_F_REQUEST;
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    socket.send(&bytes, 0)?;

    let mut answer = Vec::with_capacity(MAX_ANSWER_BYTES);
    socket.recv(&mut answer, 0)?;
    read_answer(&answer)
}

/// What the kernel has answered, or its error.
pub(super) fn read_answer<F>(answer: &[u8]) -> io::Result<F>
where
    F: GenlFamily + Emitable + ParseableParametrized<[u8], GenlHeader> + Debug,
{
    let answer = NetlinkMessage::<GenlMessage<F>>::deserialize(answer)
        .map_err(|error| malformed(&error.to_string()))?;
    if let NetlinkPayload::Error(error) = &answer.payload
        && let Some(code) = error.code
    {
        return Err(io::Error::from_raw_os_error(code.get().saturating_abs()));
    }
    let NetlinkPayload::InnerMessage(message) = answer.payload else {
        return Err(malformed("something that is no answer"));
    };
    Ok(message.payload)
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the kernel gave {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_real_kernel_knows_the_family_and_refuses_a_device_without_module() {
        let ethtool = match Ethtool::open() {
            Ok(ethtool) => ethtool,
            // An older kernel, and one that says so.
            Err(OpenError::NoFamily | OpenError::NoCommand) => return,
            Err(error) => panic!("{error}"),
        };
        for chip in [Chip::Identity, Chip::Diagnostics] {
            let error = ethtool.read("lo", chip, 0, 96).unwrap_err();
            let code = error.raw_os_error();
            assert!(matches!(code, Some(libc::EOPNOTSUPP | libc::EPERM)), "{error}");
        }
    }

    #[test]
    fn an_old_kernel_is_told_apart_from_a_driver_without_eeprom() {
        let id = GenlCtrlAttrs::FamilyId(20);
        let ops =
            |number| GenlCtrlAttrs::Ops(vec![vec![OpAttrs::Id(1)], vec![OpAttrs::Id(number)]]);
        assert_eq!(family_of(&[id.clone(), ops(31)]).ok(), Some(20));
        assert!(matches!(family_of(&[id.clone(), ops(30)]), Err(OpenError::NoCommand)));
        assert!(matches!(family_of(&[id]), Err(OpenError::NoCommand)));
        assert!(matches!(family_of(&[ops(31)]), Err(OpenError::Failed(_))));
    }
}
