//! The fixed words for outages: whose fault, why, and what else can be wrong.
//!
//! Each list is written once; labels, details of events and saved state use its names.

/// An enum whose variants have a name for labels and files.
macro_rules! vocabulary {
    ($(#[$about:meta])* $Name:ident { $($(#[$what:meta])* $Variant:ident = $text:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum $Name { $($(#[$what])* $Variant,)+ }

        impl $Name {
            pub(crate) const ALL: &[Self] = &[$(Self::$Variant,)+];

            /// The name in labels, details and files: never changed once published.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$Variant => $text,)+ }
            }
        }

        impl serde::Serialize for $Name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> serde::Deserialize<'de> for $Name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let name = <std::borrow::Cow<'de, str>>::deserialize(from)?;
                let known = Self::ALL.iter().copied().find(|word| word.name() == name);
                known.ok_or_else(|| serde::de::Error::custom(format!("unknown word \"{name}\"")))
            }
        }
    };
}
pub(super) use vocabulary;

vocabulary! {
    /// Why the internet was gone: the first layer that failed.
    Cause {
        /// The WAN port lost its carrier.
        LocalLink = "local_link",
        /// No light, or less than the receiver needs.
        OpticalSignal = "optical_signal",
        /// No access server answered a dial.
        Discovery = "discovery",
        /// User name, password or session refused.
        AccessRefused = "access_refused",
        /// By LCP, or by a hang-up with the carrier kept (PADT).
        ProviderTerminated = "provider_terminated",
        AccessServerSilent = "access_server_silent",
        Dhcp = "dhcp",
        /// The next hop is dead.
        Gateway = "gateway",
        /// The next hop lives, nothing behind it does.
        BeyondGateway = "beyond_gateway",
        /// Only ever of a degradation: pings are answered.
        Dns = "dns",
        /// This router dialled anew on request.
        PlannedRedial = "planned_redial",
        RouterRestart = "router_restart",
        /// Somebody, or a watchdog, took the line down on this router.
        Administrator = "administrator",
        Unknown = "unknown",
    }
}

vocabulary! {
    /// Whose part of the way failed.
    Side {
        Provider = "provider",
        /// From this router's WAN socket to the provider's equipment.
        Line = "line",
        /// This router, and what it is plugged into.
        House = "house",
        Unknown = "unknown",
    }
}

vocabulary! {
    /// Partial trouble, which is no outage.
    Degradation {
        /// A target that used to answer does not.
        Target = "target",
        /// IPv4 or IPv6 does not work, the other does.
        Family = "family",
        /// The provider's resolvers do not answer.
        Dns = "dns",
        /// More than a fifth of the requests is lost.
        Loss = "loss",
        /// Everything that is pinged is silent, and that is no proof: one network, or no
        /// further sign.
        Unproven = "unproven",
    }
}

impl Cause {
    /// The sides that [`super::judge`] may name with it: what `outages_total` begins with.
    pub(crate) fn sides(self) -> &'static [Side] {
        use Side::{House, Line, Provider, Unknown};
        match self {
            Self::LocalLink => &[House, Line, Unknown],
            Self::OpticalSignal => &[Line],
            Self::Discovery | Self::AccessRefused | Self::AccessServerSilent => {
                &[Provider, Unknown]
            }
            Self::Dhcp | Self::Gateway | Self::BeyondGateway => &[Provider, Unknown],
            Self::ProviderTerminated => &[Provider],
            Self::PlannedRedial | Self::RouterRestart | Self::Administrator => &[House],
            Self::Unknown => &[House, Unknown],
            // Resolvers alone are no outage.
            Self::Dns => &[],
        }
    }
}
