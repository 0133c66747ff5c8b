//! The types of events: one closed list, their names on the wire in one place.

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    PppoeUp,
    PppoeDown,
    PppoeLcpTerm,
    PppoePadt,
    PppoeAuthFail,
    WanUp,
    WanDown,
    KernelCarrierLost,
    KernelLinkUp,
    KernelLinkDown,
    PppoePadiTimeout,
    PppoeDiscoveryTimeout,
    PppoeLcpEchoTimeout,
    PppoeNegotiationTimeout,
    PppoeLocalTerm,
    PppoeAcError,
    DhcpLeaseObtained,
    DhcpLeaseLost,
    DhcpNak,
    DhcpNoLease,
    Wan6Up,
    Wan6Down,
    WanIpChanged,
    SfpRemoved,
    SfpInserted,
    DslDown,
    KernelTxTimeout,
    RouterBoot,
    TimeStepped,
    LogSourceLost,
    OutageStart,
    OutageEnd,
    Test,
}

impl Kind {
    pub(crate) const ALL: [Self; 33] = [
        Self::PppoeUp,
        Self::PppoeDown,
        Self::PppoeLcpTerm,
        Self::PppoePadt,
        Self::PppoeAuthFail,
        Self::WanUp,
        Self::WanDown,
        Self::KernelCarrierLost,
        Self::KernelLinkUp,
        Self::KernelLinkDown,
        Self::PppoePadiTimeout,
        Self::PppoeDiscoveryTimeout,
        Self::PppoeLcpEchoTimeout,
        Self::PppoeNegotiationTimeout,
        Self::PppoeLocalTerm,
        Self::PppoeAcError,
        Self::DhcpLeaseObtained,
        Self::DhcpLeaseLost,
        Self::DhcpNak,
        Self::DhcpNoLease,
        Self::Wan6Up,
        Self::Wan6Down,
        Self::WanIpChanged,
        Self::SfpRemoved,
        Self::SfpInserted,
        Self::DslDown,
        Self::KernelTxTimeout,
        Self::RouterBoot,
        Self::TimeStepped,
        Self::LogSourceLost,
        Self::OutageStart,
        Self::OutageEnd,
        Self::Test,
    ];

    /// The name in files, answers and labels: never changed once published.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PppoeUp => "pppoe_up",
            Self::PppoeDown => "pppoe_down",
            Self::PppoeLcpTerm => "pppoe_lcp_term",
            Self::PppoePadt => "pppoe_padt",
            Self::PppoeAuthFail => "pppoe_auth_fail",
            Self::WanUp => "wan_up",
            Self::WanDown => "wan_down",
            Self::KernelCarrierLost => "kernel_carrier_lost",
            Self::KernelLinkUp => "kernel_link_up",
            Self::KernelLinkDown => "kernel_link_down",
            Self::PppoePadiTimeout => "pppoe_padi_timeout",
            Self::PppoeDiscoveryTimeout => "pppoe_discovery_timeout",
            Self::PppoeLcpEchoTimeout => "pppoe_lcp_echo_timeout",
            Self::PppoeNegotiationTimeout => "pppoe_negotiation_timeout",
            Self::PppoeLocalTerm => "pppoe_local_term",
            Self::PppoeAcError => "pppoe_ac_error",
            Self::DhcpLeaseObtained => "dhcp_lease_obtained",
            Self::DhcpLeaseLost => "dhcp_lease_lost",
            Self::DhcpNak => "dhcp_nak",
            Self::DhcpNoLease => "dhcp_no_lease",
            Self::Wan6Up => "wan6_up",
            Self::Wan6Down => "wan6_down",
            Self::WanIpChanged => "wan_ip_changed",
            Self::SfpRemoved => "sfp_removed",
            Self::SfpInserted => "sfp_inserted",
            Self::DslDown => "dsl_down",
            Self::KernelTxTimeout => "kernel_tx_timeout",
            Self::RouterBoot => "router_boot",
            Self::TimeStepped => "time_stepped",
            Self::LogSourceLost => "log_source_lost",
            Self::OutageStart => "outage_start",
            Self::OutageEnd => "outage_end",
            Self::Test => "test",
        }
    }

    /// The type of that name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_a_name_of_its_own() {
        for (at, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(Kind::of(kind.name()), Some(kind));
            assert_eq!(kind as usize, at, "the list is in the order of the enum, and complete");
        }
        assert_eq!(Kind::Test as usize, Kind::ALL.len() - 1, "the last one");
        assert_eq!(Kind::of("wan"), None);
    }
}
