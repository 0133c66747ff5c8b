//! One request to the kernel's ethtool: bytes of a module's EEPROM.
//!
//! Source: kernel, Documentation/networking/ethtool-netlink.rst, `MODULE_EEPROM_GET`
//! (since 5.13; needs CAP_NET_ADMIN). The kernel talks to the module while we send, so
//! sending may take long or hang: only for [`crate::slow_io::SlowIo`]. The questions are
//! the `ethtool` crate's; its own connection is asynchronous and not used, and neither are its
//! readers and those of generic netlink, which end the program where an attribute is cut.

use std::fmt::Debug;
use std::io;
use std::time::Duration;

use ethtool::EthtoolMessage;
use netlink_packet_core::{
    Emitable, NLA_HEADER_SIZE, NLM_F_REQUEST, NLMSG_ERROR, NetlinkBuffer, NetlinkMessage,
    NlasIterator,
};
use netlink_packet_generic::ctrl::nlas::GenlCtrlAttrs;
use netlink_packet_generic::ctrl::{GenlCtrl, GenlCtrlCmd};
use netlink_packet_generic::{GenlFamily, GenlMessage};
use netlink_sys::protocols::NETLINK_GENERIC;
use netlink_sys::{Socket, SocketAddr};

/// The answer is there when sending returns; waiting is for a kernel that has forgotten.
const PATIENCE: Duration = Duration::from_secs(1);

/// The longest answer describes the family ethtool, 2 kB in Linux 6.18.
const MAX_ANSWER_BYTES: usize = 16 * 1024;

/// `ETHTOOL_MSG_MODULE_EEPROM_GET` (include/uapi/linux/ethtool_netlink.h).
const MODULE_EEPROM_GET: u32 = 31;
/// `ETHTOOL_A_MODULE_EEPROM_DATA`.
const MODULE_EEPROM_DATA: u16 = 7;

/// `struct genlmsghdr` (include/uapi/linux/genetlink.h), and attributes from there.
const GENERIC_HEADER_BYTES: usize = 4;
const CTRL_ATTR_FAMILY_ID: u16 = 1;
const CTRL_ATTR_OPS: u16 = 6;
const CTRL_ATTR_OP_ID: u16 = 1;

/// The first type of a message that is not about netlink itself (`NLMSG_MIN_TYPE`).
const FIRST_TYPE: u16 = 16;

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
            Ok(answer) => Ok(Self { family: family_of(&answer)?, socket }),
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
        module_data(&answer, length)
            .ok_or_else(|| malformed("an answer without the bytes asked for"))
    }
}

/// Kind and value of each attribute; what is cut ends the list.
fn attributes(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    NlasIterator::new(bytes).map_while(|attribute| {
        let attribute = attribute.ok()?;
        let (kind, length) = (attribute.kind(), attribute.value_length());
        Some((kind, attribute.into_inner().get(NLA_HEADER_SIZE..)?.get(..length)?))
    })
}

/// The bytes of a module; `None`: there are none, or fewer than `length`.
pub(super) fn module_data(answer: &[u8], length: u8) -> Option<Vec<u8>> {
    let (_, data) = attributes(answer).find(|(kind, _)| *kind == MODULE_EEPROM_DATA)?;
    (data.len() >= usize::from(length)).then(|| data.to_vec())
}

/// The number the kernel has given to the family ethtool. Whether it knows the command
/// must be asked here: an unknown command and a driver without EEPROM are refused with
/// the same error.
pub(super) fn family_of(answer: &[u8]) -> Result<u16, OpenError> {
    let mut family = None;
    let mut is_known = false;
    for (kind, value) in attributes(answer) {
        if kind == CTRL_ATTR_FAMILY_ID {
            family = value.first_chunk().map(|id| u16::from_ne_bytes(*id));
        } else if kind == CTRL_ATTR_OPS {
            let facts = attributes(value).flat_map(|(_, command)| attributes(command));
            let mut ids = facts.filter(|(kind, _)| *kind == CTRL_ATTR_OP_ID);
            is_known |= ids.any(|(_, id)| *id == MODULE_EEPROM_GET.to_ne_bytes());
        }
    }
    match family {
        None => Err(malformed("a family without a number").into()),
        Some(_) if !is_known => Err(OpenError::NoCommand),
        Some(family) => Ok(family),
    }
}

/// Asks the kernel and takes the attributes of its answer, or the error it answers with.
fn exchange<F>(socket: &Socket, family: u16, question: F) -> io::Result<Vec<u8>>
where
    F: GenlFamily + Emitable + Debug,
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
    read_answer(&answer).map(<[u8]>::to_vec)
}

/// The attributes of what the kernel has answered, or its error.
pub(super) fn read_answer(answer: &[u8]) -> io::Result<&[u8]> {
    let answer =
        NetlinkBuffer::new_checked(answer).map_err(|error| malformed(&error.to_string()))?;
    // An error has its code in as many bytes.
    let Some((head, attributes)) = answer.payload().split_first_chunk::<GENERIC_HEADER_BYTES>()
    else {
        return Err(malformed("a message without a header"));
    };
    match (answer.message_type(), i32::from_ne_bytes(*head)) {
        (NLMSG_ERROR, code @ ..0) => Err(io::Error::from_raw_os_error(code.saturating_neg())),
        (FIRST_TYPE.., _) => Ok(attributes),
        _ => Err(malformed("something that is no answer")),
    }
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

    /// An attribute as the kernel writes it.
    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let length = NLA_HEADER_SIZE + value.len();
        let mut bytes = (length as u16).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(value);
        bytes.resize(length.next_multiple_of(4), 0);
        bytes
    }

    fn ops(number: u32) -> Vec<u8> {
        let op = |id: u32| attribute(1, &attribute(CTRL_ATTR_OP_ID, &id.to_ne_bytes()));
        attribute(CTRL_ATTR_OPS, &[op(1), op(number)].concat())
    }

    #[test]
    fn an_old_kernel_is_told_apart_from_a_driver_without_eeprom() {
        let id = attribute(CTRL_ATTR_FAMILY_ID, &20_u16.to_ne_bytes());
        assert_eq!(family_of(&[id.clone(), ops(31)].concat()).ok(), Some(20));
        let old = family_of(&[id.clone(), ops(30)].concat());
        assert!(matches!(old, Err(OpenError::NoCommand)));
        assert!(matches!(family_of(&id), Err(OpenError::NoCommand)));
        assert!(matches!(family_of(&ops(31)), Err(OpenError::Failed(_))));
    }

    /// A message of this type.
    fn message(kind: u16, payload: &[u8]) -> Vec<u8> {
        let mut bytes = (16 + payload.len() as u32).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.resize(16, 0);
        bytes.extend(payload);
        bytes
    }

    #[test]
    fn the_bytes_of_a_module_are_found_in_the_answer() {
        let header = attribute(0x8001, &attribute(2, b"eth1\0"));
        let data = attribute(MODULE_EEPROM_DATA, &[5; 10]);
        let answer = message(20, &[vec![2, 1, 0, 0], header, data].concat());
        let attributes = read_answer(&answer).unwrap();
        assert_eq!(module_data(attributes, 10), Some(vec![5; 10]));
        assert_eq!(module_data(attributes, 11), None);
    }

    #[test]
    fn an_error_is_the_kernels_and_anything_else_is_malformed() {
        let refused = message(NLMSG_ERROR, &(-libc::EOPNOTSUPP).to_ne_bytes());
        let error = read_answer(&refused).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EOPNOTSUPP));
        let done = message(3, &[0; 4]);
        let acknowledged = message(NLMSG_ERROR, &[0; 4]);
        for bytes in [&done[..], &acknowledged, &message(20, &[]), &refused[..18], &[]] {
            let error = read_answer(bytes).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{bytes:?}");
        }
    }

    #[test]
    fn an_attribute_that_is_cut_ends_the_list() {
        // Found by fuzzing: the reader of generic netlink takes the length of one within
        // `CTRL_ATTR_POLICY` as it is.
        const CTRL_ATTR_POLICY: u16 = 8;
        let id = attribute(CTRL_ATTR_FAMILY_ID, &20_u16.to_ne_bytes());
        let cut = attribute(CTRL_ATTR_POLICY, &[0x65, 0x74, 0x68, 0x74]);
        let answer = message(16, &[vec![1, 2, 0, 0], id.clone(), cut].concat());
        let family = family_of(read_answer(&answer).unwrap());
        assert!(matches!(family, Err(OpenError::NoCommand)));
        let cut = [&id[..], &[200, 0, 6, 0]].concat();
        assert!(matches!(family_of(&cut), Err(OpenError::NoCommand)));
    }
}
