//! The client's address behind proxies: the walk over forwarded headers, and what can't be spoofed.

use std::net::IpAddr;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use proptest::prelude::*;
use segue::DevicePolicy;
use segue::ForwardedHeader;
use segue::TrustedProxies;
use segue::client_address;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
    fields
        .iter()
        .map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
        })
        .collect()
}

fn proxies() -> TrustedProxies {
    TrustedProxies::parse("10.0.0.0/8, 192.0.2.1, 2001:db8:1::/48").unwrap()
}

fn client(peer: &str, header: ForwardedHeader, fields: &[(&'static str, &str)]) -> String {
    let found = client_address(peer.parse().ok(), &headers(fields), &proxies(), header);
    found.map_or_else(|| String::from("none"), |address| address.to_string())
}

/// The first address from our side that is no trusted proxy's is the client.
#[test]
fn x_forwarded_for_is_walked_from_our_side() {
    for (peer, fields, expected) in [
        ("10.0.0.1", &["198.51.100.7"][..], "198.51.100.7"),
        ("10.0.0.1", &["198.51.100.7, 10.0.0.2"], "198.51.100.7"),
        ("10.0.0.1", &["203.0.113.9, 198.51.100.7, 10.0.0.2, 192.0.2.1"], "198.51.100.7"),
        // Several fields are one list.
        ("10.0.0.1", &["203.0.113.9", "198.51.100.7", "10.0.0.2"], "198.51.100.7"),
        ("10.0.0.1", &["203.0.113.9", "198.51.100.7,10.0.0.2"], "198.51.100.7"),
        // Nobody but proxies: the farthest one.
        ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", &[], "10.0.0.1"),
        ("10.0.0.1", &[""], "10.0.0.1"),
        ("10.0.0.1", &[" , ,,\t198.51.100.7 , "], "198.51.100.7"),
        // Ports and brackets.
        ("10.0.0.1", &["198.51.100.7:4711"], "198.51.100.7"),
        ("10.0.0.1", &["2001:db8:2::7"], "2001:db8:2::7"),
        ("10.0.0.1", &["[2001:db8:2::7]"], "2001:db8:2::7"),
        ("10.0.0.1", &["[2001:db8:2::7]:4711"], "2001:db8:2::7"),
        ("2001:db8:1::5", &["2001:db8:2::7, 2001:db8:1::6"], "2001:db8:2::7"),
        // IPv4 in IPv6 is IPv4, as peer and as entry.
        ("::ffff:10.0.0.1", &["::ffff:198.51.100.7"], "198.51.100.7"),
        ("::ffff:10.0.0.1", &["198.51.100.7, ::ffff:10.0.0.2"], "198.51.100.7"),
        // What is no address ends the walk at the proxy before it.
        ("10.0.0.1", &["198.51.100.7, unknown"], "10.0.0.1"),
        ("10.0.0.1", &["198.51.100.7, unknown, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", &["198.51.100.7, 10.0.0.256"], "10.0.0.1"),
        ("10.0.0.1", &["198.51.100.7, 010.0.0.2"], "10.0.0.1"),
        ("10.0.0.1", &["198.51.100.7, fe80::1%eth0"], "10.0.0.1"),
        ("10.0.0.1", &["198.51.100.7 10.0.0.2"], "10.0.0.1"),
        ("10.0.0.1", &["198.51.100.7", "\u{e4}"], "10.0.0.1"),
        ("10.0.0.1", &["198.51.100.7", "\"10.0.0.2\""], "10.0.0.1"),
    ] {
        let fields: Vec<_> = fields.iter().map(|field| ("x-forwarded-for", *field)).collect();
        assert_eq!(client(peer, ForwardedHeader::XForwardedFor, &fields), expected, "{fields:?}");
    }
}

/// The same walk over the standard header, with its quoting, its parameters and its hidden nodes.
#[test]
fn forwarded_is_walked_from_our_side() {
    for (fields, expected) in [
        (&["for=198.51.100.7"][..], "198.51.100.7"),
        (&["For=198.51.100.7;proto=https;by=10.0.0.1"], "198.51.100.7"),
        (&["proto=https; for=\"198.51.100.7:4711\" ; host=\"a,b;c=\\\"d\""], "198.51.100.7"),
        (&["for=203.0.113.9, for=198.51.100.7, for=10.0.0.2"], "198.51.100.7"),
        (&["for=203.0.113.9", "for=198.51.100.7,for=10.0.0.2"], "198.51.100.7"),
        (&["for=\"[2001:db8:2::7]\""], "2001:db8:2::7"),
        (&["for=\"[2001:db8:2::7]:4711\""], "2001:db8:2::7"),
        (&["for=\"[2001:db8:2::7]:_web\""], "2001:db8:2::7"),
        (&["for=\"[::ffff:198.51.100.7]\""], "198.51.100.7"),
        (&["for=\"198.51.100.\\7\""], "198.51.100.7"),
        (&[", for=198.51.100.7 ,,"], "198.51.100.7"),
        // Hidden or absent.
        (&["for=198.51.100.7, for=unknown"], "10.0.0.1"),
        (&["for=198.51.100.7, for=_hidden, for=10.0.0.2"], "10.0.0.2"),
        (&["for=198.51.100.7, proto=https"], "10.0.0.1"),
        // An IPv6 address without brackets or quotation marks breaks the grammar.
        (&["for=2001:db8:2::7"], "10.0.0.1"),
        (&["for=\"2001:db8:2::7\""], "10.0.0.1"),
        (&["for=[2001:db8:2::7]"], "10.0.0.1"),
        // A broken field counts for nothing, however good its end looks.
        (&["for=\"203.0.113.9, for=198.51.100.7"], "10.0.0.1"),
        (&["for=203.0.113.9 x, for=198.51.100.7"], "10.0.0.1"),
        (&["for=203.0.113.9;for=198.51.100.7"], "10.0.0.1"),
        (&["for = 198.51.100.7"], "10.0.0.1"),
        (&["for=, for=198.51.100.7"], "10.0.0.1"),
        (&["198.51.100.7"], "10.0.0.1"),
        (&["for=\"198.51.100.7\\"], "10.0.0.1"),
        // But the fields after it were written by proxies nearer to us.
        (&["for=\"203.0.113.9", "for=198.51.100.7"], "198.51.100.7"),
    ] {
        let fields: Vec<_> = fields.iter().map(|field| ("forwarded", *field)).collect();
        assert_eq!(client("10.0.0.1", ForwardedHeader::Forwarded, &fields), expected, "{fields:?}");
    }
}

/// Nothing that a client writes into a header changes its address when it is not a trusted proxy,
/// and only the configured header counts when it comes through one.
#[test]
fn spoofed_headers_change_nothing() {
    let spoofed = [
        ("x-forwarded-for", "203.0.113.9"),
        ("forwarded", "for=203.0.113.9"),
        ("x-real-ip", "203.0.113.9"),
        ("cf-connecting-ip", "203.0.113.9"),
        ("true-client-ip", "203.0.113.9"),
        ("client-ip", "203.0.113.9"),
    ];
    for header in [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded] {
        for peer in ["198.51.100.7", "192.0.2.2", "2001:db8:2::1", "11.0.0.1"] {
            assert_eq!(client(peer, header, &spoofed), peer);
        }
        assert_eq!(client("", header, &spoofed), "none");
        let untrusting = client_address(
            Some(address("10.0.0.1")),
            &headers(&spoofed),
            &TrustedProxies::none(),
            header,
        );
        assert_eq!(untrusting, Some(address("10.0.0.1")));
    }
    assert_eq!(client("10.0.0.1", ForwardedHeader::XForwardedFor, &spoofed[1..]), "10.0.0.1");
    let other = [spoofed[0], ("forwarded", "for=198.51.100.7")];
    assert_eq!(client("10.0.0.1", ForwardedHeader::Forwarded, &other), "198.51.100.7");
}

/// A flood of entries is walked for a bounded stretch only.
#[test]
fn endless_lists_are_cut() {
    let flood = format!("203.0.113.9{}", ", 10.0.0.2".repeat(40));
    assert_eq!(
        client("10.0.0.1", ForwardedHeader::XForwardedFor, &[("x-forwarded-for", &flood)]),
        "10.0.0.2"
    );
    let huge = format!("{}198.51.100.7", ",".repeat(10_000));
    for header in [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded] {
        let name =
            if header == ForwardedHeader::Forwarded { "forwarded" } else { "x-forwarded-for" };
        assert_eq!(client("10.0.0.1", header, &[(name, &huge)]), "10.0.0.1");
    }
}

/// Lists of proxies are read strictly, every bad entry named.
#[test]
fn proxies_are_read() {
    for (text, inside, outside) in [
        ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
        ("10.1.2.3/8", "10.255.0.1", "11.0.0.1"),
        ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
        ("::1\n fd00::/8", "fd00::7", "fe80::1"),
        ("::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.1"),
        ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.2"),
    ] {
        let proxies = TrustedProxies::parse(text).unwrap();
        assert!(proxies.contains(address(inside)), "{text}");
        assert!(!proxies.contains(address(outside)), "{text}");
    }
    assert!(TrustedProxies::parse(" , \n").unwrap().is_empty());
    for bad in ["localhost", "10.0.0.0/33", "10.0.0", "10.0.0.0/", "0.0.0.0/0", "::/0", "*"] {
        let error = TrustedProxies::parse(&format!("10.0.0.1,{bad}")).unwrap_err();
        assert_eq!(error.faults().len(), 1, "{bad}");
        assert!(error.to_string().contains(&format!("{bad:?}")), "{error}");
    }
    let crowd: Vec<_> = (0..257).map(|n| format!("10.0.{}.{}", n / 256, n % 256)).collect();
    assert!(TrustedProxies::parse(&crowd.join(",")).is_err());
    assert!(TrustedProxies::parse(&crowd[1..].join(",")).is_ok());
}

/// The variables make the policy, and every wrong one is named.
#[test]
fn policies_come_from_variables() {
    let policy = |proxies: &'static str, header: &'static str| {
        DevicePolicy::from_lookup(&move |name| match name {
            "SEGUE_TRUSTED_PROXIES" => Some(proxies.to_owned()),
            "SEGUE_FORWARDED_HEADER" => Some(header.to_owned()),
            _ => None,
        })
    };
    assert_eq!(DevicePolicy::from_lookup(&|_| None).unwrap(), DevicePolicy::default());
    let expected = DevicePolicy::default()
        .with_proxies(TrustedProxies::parse("10.0.0.1").unwrap())
        .with_forwarded_header(ForwardedHeader::Forwarded);
    assert_eq!(policy("10.0.0.1", "forwarded").unwrap(), expected);
    assert_eq!(policy("", "x-forwarded-for").unwrap(), DevicePolicy::default());
    assert_eq!(policy("nowhere", "X-Real-IP").unwrap_err().faults().len(), 2);
}

proptest! {
    /// Whatever the header holds: a peer that is not trusted is the client, and a trusted one is
    /// never without an answer.
    #[test]
    fn any_list_is_answered(list in prop_oneof![
        "[ -~]{0,120}",
        "(for=\"?[0-9.:\\[\\]a-f]{1,12}\"?[;, ]{0,2}){0,8}",
        "([0-9]{1,3}\\.){3}[0-9]{1,3}(, ?[0-9a-f:.]{0,12}){0,6}",
    ]) {
        let fields = [("x-forwarded-for", &*list), ("forwarded", &*list)];
        for header in [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded] {
            prop_assert_eq!(client("198.51.100.7", header, &fields), "198.51.100.7");
            prop_assert_ne!(client("10.0.0.1", header, &fields), "none");
        }
    }
}
