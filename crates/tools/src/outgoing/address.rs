//! Which addresses are those of the public internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The host services of Azure: reached from inside of its machines alone, from an address that looks public.
const AZURE_HOST: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

/// Networks that are not of the public internet, with the length of their prefix.
const SPECIAL_V4: &[(Ipv4Addr, u8)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    (AZURE_HOST, 32),
];

/// Whether the address is one of the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Whether the first `length` bits of both are the same. Addresses of different families share nothing.
pub fn is_within(address: IpAddr, network: IpAddr, length: u8) -> bool {
    let differs = |difference: u128, width: u32| {
        let host_bits = width.saturating_sub(u32::from(length));
        difference.checked_shr(host_bits).unwrap_or_default() != 0
    };
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            !differs(u128::from(address.to_bits() ^ network.to_bits()), 32)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => !differs(address.to_bits() ^ network.to_bits(), 128),
        _ => false,
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let is_of = |&(network, length): &(Ipv4Addr, u8)| is_within(address.into(), network.into(), length);
    !SPECIAL_V4.iter().any(is_of)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inside) = address_inside(address) {
        return is_public_v4(inside);
    }
    match address.segments() {
        // Teredo hides the address that is reached; the others are for documentation and tests.
        [0x2001, 0, ..] | [0x2001, 0xdb8, ..] | [0x2001, 2, 0, ..] => false,
        // What is handed out to the internet lies here, all else is local or for special purposes.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// The IPv4 address that is reached through an IPv6 address which stands for one.
fn address_inside(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let joined = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        // Mapped, compatible (also `::` and `::1`), and translated.
        [0, 0, 0, 0, 0, 0xffff | 0, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(joined(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn public(address: &str) -> bool {
        is_public(address.parse().unwrap())
    }

    #[test]
    fn addresses_of_this_machine_and_of_private_networks_are_not_public() {
        for address in [
            "0.0.0.0",
            "127.0.0.1",
            "127.255.255.254",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "198.18.0.1",
            "192.0.0.8",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
        ] {
            assert!(!public(address), "{address}");
        }
        for address in ["::", "::1", "fe80::1", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1", "100::1"] {
            assert!(!public(address), "{address}");
        }
    }

    #[test]
    fn metadata_services_are_not_public() {
        for address in ["169.254.169.254", "168.63.129.16", "100.100.100.200", "fd00:ec2::254"] {
            assert!(!public(address), "{address}");
        }
    }

    #[test]
    fn an_address_inside_of_another_counts_as_what_it_reaches() {
        for address in [
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "::ffff:0:10.0.0.1",
            "64:ff9b::169.254.169.254",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "64:ff9b:1::1",
            "2001::1",
            "2001:db8::1",
        ] {
            assert!(!public(address), "{address}");
        }
        assert!(public("::ffff:8.8.8.8") && public("64:ff9b::8.8.8.8") && public("2002:808:808::1"));
    }

    #[test]
    fn addresses_of_the_internet_are_public() {
        for address in ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00::1"] {
            assert!(public(address), "{address}");
        }
    }

    #[test]
    fn networks_hold_what_shares_their_prefix() {
        let within = |address: &str, network: &str, length| {
            is_within(address.parse().unwrap(), network.parse().unwrap(), length)
        };
        assert!(within("10.255.0.1", "10.0.0.0", 8) && !within("11.0.0.0", "10.0.0.0", 8));
        assert!(within("1.2.3.4", "0.0.0.0", 0) && within("::1", "::", 0));
        assert!(within("10.0.0.1", "10.0.0.1", 32) && !within("10.0.0.2", "10.0.0.1", 32));
        assert!(within("fd00::7", "fd00::", 16) && !within("10.0.0.1", "::", 0));
    }
}
