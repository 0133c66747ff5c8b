//! Signs: what logs, netifd and counters say about the line at one moment.
//!
//! The interpreter of the logs gives one for every line that matters, also where its
//! event was told before: a repeated failure is evidence, though no news.

use super::vocabulary::vocabulary;
use crate::events::kind::Kind;

vocabulary! {
    /// One thing that was said or seen.
    Sign {
        // The port.
        /// The driver says so.
        CarrierLost = "carrier_lost",
        CarrierBack = "carrier_back",
        /// The kernel's counter says so, without a word in the log.
        CarrierCounted = "carrier_counted",
        /// netifd sees no link under the interface.
        NoLink = "no_link",
        ModuleRemoved = "module_removed",
        ModuleInserted = "module_inserted",
        DslDown = "dsl_down",
        SendingStuck = "sending_stuck",
        // The session.
        SessionUp = "session_up",
        /// pppd's line is gone, and nothing before it says why.
        Hangup = "hangup",
        EndedByProvider = "ended_by_provider",
        /// pppd was told to stop.
        EndedHere = "ended_here",
        EchoTimeout = "echo_timeout",
        SessionOver = "session_over",
        // The dial.
        NoAccessServer = "no_access_server",
        NoSession = "no_session",
        SessionRefused = "session_refused",
        PasswordRefused = "password_refused",
        NoAgreement = "no_agreement",
        // DHCP.
        Lease = "lease",
        LeaseLost = "lease_lost",
        LeaseRefused = "lease_refused",
        NoLease = "no_lease",
        // netifd.
        WanUp = "wan_up",
        WanDown = "wan_down",
        /// Its session or lease ended.
        WanLost = "wan_lost",
        Disabled = "disabled",
        SetUp = "set_up",
        // This router's own doing.
        /// The interface is not to be up: `ifdown`, or netifd has given it up.
        SwitchedOff = "switched_off",
        /// The device is off, without netifd: `ip link set … down`.
        DeviceOff = "device_off",
        /// A scheduled command is about the WAN.
        Scheduled = "scheduled",
        /// A watchdog (watchcat, mwan3) takes the WAN down.
        Watchdog = "watchdog",
    }
}

impl Sign {
    /// What an event of that type says; `None`: nothing about why the line is down, or
    /// more than the type must be known.
    pub(crate) fn of(kind: Kind) -> Option<Self> {
        Some(match kind {
            Kind::PppoeUp => Self::SessionUp,
            Kind::PppoeDown => Self::SessionOver,
            Kind::PppoeLcpTerm | Kind::PppoePadt => Self::EndedByProvider,
            Kind::PppoeAuthFail => Self::PasswordRefused,
            Kind::WanUp => Self::WanUp,
            Kind::WanDown => Self::WanDown,
            Kind::KernelCarrierLost | Kind::KernelLinkDown => Self::CarrierLost,
            Kind::KernelLinkUp => Self::CarrierBack,
            Kind::PppoePadiTimeout => Self::NoAccessServer,
            Kind::PppoeDiscoveryTimeout => Self::NoSession,
            Kind::PppoeLcpEchoTimeout => Self::EchoTimeout,
            Kind::PppoeNegotiationTimeout => Self::NoAgreement,
            Kind::PppoeLocalTerm => Self::EndedHere,
            Kind::PppoeAcError => Self::SessionRefused,
            Kind::DhcpLeaseObtained => Self::Lease,
            Kind::DhcpLeaseLost => Self::LeaseLost,
            Kind::DhcpNak => Self::LeaseRefused,
            Kind::DhcpNoLease => Self::NoLease,
            Kind::SfpRemoved => Self::ModuleRemoved,
            Kind::SfpInserted => Self::ModuleInserted,
            Kind::DslDown => Self::DslDown,
            Kind::KernelTxTimeout => Self::SendingStuck,
            Kind::Wan6Up
            | Kind::Wan6Down
            | Kind::WanIpChanged
            | Kind::RouterBoot
            | Kind::TimeStepped
            | Kind::LogSourceLost
            | Kind::OutageStart
            | Kind::OutageEnd
            | Kind::Test => return None,
        })
    }

    /// Is the way to the internet gone with it?
    pub(super) fn ends_the_way(self) -> bool {
        self.is_end() || self == Self::NoLink
    }

    /// Does it announce what is yet to happen?
    pub(super) fn is_announcement(self) -> bool {
        matches!(self, Self::Scheduled | Self::Watchdog)
    }

    /// Does it say that something is well again?
    pub(super) fn is_recovery(self) -> bool {
        matches!(
            self,
            Self::CarrierBack
                | Self::ModuleInserted
                | Self::SessionUp
                | Self::Lease
                | Self::WanUp
                | Self::SetUp
        )
    }

    /// Does it say that the WAN, its session or its lease is gone?
    pub(super) fn is_end(self) -> bool {
        matches!(
            self,
            Self::Hangup
                | Self::EndedByProvider
                | Self::EndedHere
                | Self::EchoTimeout
                | Self::SessionOver
                | Self::LeaseLost
                | Self::LeaseRefused
                | Self::WanDown
                | Self::WanLost
                | Self::Disabled
        )
    }
}
