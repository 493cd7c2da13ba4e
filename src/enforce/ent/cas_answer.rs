//! The answer of a CAS server to the question whether a ticket is good (CAS protocol 3.0.3, section 2.5 and appendix A),
//! and what it sends when somebody signs out there (section 2.3.3).

use super::document::{Element, Unreadable};

/// The namespace of CAS; servers bind it to whatever prefix they like.
const CAS: &str = "http://www.yale.edu/tp/cas";

/// The namespace of SAML 2.0's protocol messages.
const SAML: &str = "urn:oasis:names:tc:SAML:2.0:protocol";

/// Longest value that is looked at, in bytes; identifiers are far shorter.
const VALUE_BYTES_MAX: usize = 512;

/// What a CAS server says about a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CasAnswer {
    /// The ticket is good: it is this person's.
    Success {
        /// The content of `cas:user`.
        user: String,
        /// The attributes in the order of the answer, by name; a name occurs once for each of its values.
        attributes: Vec<(String, String)>,
    },
    /// It is not.
    Failure {
        /// The protocol's code, such as `INVALID_TICKET`; cut at 64 characters.
        code: String,
    },
}

impl CasAnswer {
    /// Reads an answer of `/p3/serviceValidate`. Attributes are taken in each dialect that servers speak:
    /// `<cas:name>value</cas:name>` within `<cas:attributes>`, `<cas:attribute name="…" value="…"/>` there or beside it, and
    /// `<cas:attribute name="…">value</cas:attribute>`. Those that hold elements of their own are left out.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let root = Element::read(bytes)?;
        if !root.is(CAS, "serviceResponse") || root.children.len() != 1 || !is_blank(&root) {
            return Err(Unreadable);
        }
        if let Some(failure) = root.only(CAS, "authenticationFailure") {
            let code = failure.attribute("code").ok_or(Unreadable)?;
            return Ok(Self::Failure { code: code.trim().chars().take(64).collect() });
        }
        let success = root.only(CAS, "authenticationSuccess").ok_or(Unreadable)?;
        let user = value(success.only(CAS, "user").ok_or(Unreadable)?).ok_or(Unreadable)?;
        let mut attributes = Vec::new();
        for child in &success.children {
            if child.is(CAS, "attribute") {
                attributes.extend(named(child));
            } else if child.is(CAS, "attributes") {
                let all = child.children.iter();
                attributes.extend(all.filter_map(|attribute| named(attribute).or_else(|| plain(attribute))));
            }
        }
        Ok(Self::Success { user, attributes })
    }
}

/// The ticket whose session has ended, in what a CAS server posts as `logoutRequest`.
pub(super) fn read_logout(text: &str) -> Result<String, Unreadable> {
    let root = Element::read(text.as_bytes())?;
    if !root.is(SAML, "LogoutRequest") {
        return Err(Unreadable);
    }
    root.only(SAML, "SessionIndex").and_then(value).ok_or(Unreadable)
}

/// `<cas:name>value</cas:name>`
fn plain(attribute: &Element) -> Option<(String, String)> {
    Some((attribute.name.clone(), value(attribute)?))
}

/// `<cas:attribute name="name" value="value"/>`, or with the value inside.
fn named(attribute: &Element) -> Option<(String, String)> {
    if attribute.name != "attribute" {
        return None;
    }
    let name = attribute.attribute("name")?;
    let value = match attribute.attribute("value") {
        Some(written) => checked(written)?,
        None => value(attribute)?,
    };
    Some((name.to_owned(), value))
}

/// The text of an element that holds nothing else.
fn value(element: &Element) -> Option<String> {
    if element.children.is_empty() { checked(&element.text) } else { None }
}

fn checked(text: &str) -> Option<String> {
    let text = text.trim();
    let fits = !text.is_empty() && text.len() <= VALUE_BYTES_MAX && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

fn is_blank(element: &Element) -> bool {
    element.text.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn success(inside: &str) -> Result<CasAnswer, Unreadable> {
        let text = format!(
            "<cas:serviceResponse xmlns:cas='{CAS}'><cas:authenticationSuccess>{inside}\
             </cas:authenticationSuccess></cas:serviceResponse>"
        );
        CasAnswer::read(text.as_bytes())
    }

    #[track_caller]
    fn check(inside: &str, expected_user: &str, expected: &[(&str, &str)]) {
        let CasAnswer::Success { user, attributes } = success(inside).unwrap() else { panic!("{inside}") };
        let attributes: Vec<_> =
            attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!((user.as_str(), attributes.as_slice()), (expected_user, expected));
    }

    #[test]
    fn attributes_are_read_in_every_dialect() {
        check("<cas:user> a.exemple </cas:user>", "a.exemple", &[]);
        check(
            "<cas:user>a</cas:user><cas:attributes><cas:x>1</cas:x><cas:x>2</cas:x><cas:y/></cas:attributes>",
            "a",
            &[("x", "1"), ("x", "2")],
        );
        check(
            "<cas:user>a</cas:user><cas:attribute name='id' value='1'/><cas:attribute name='n'>2</cas:attribute>",
            "a",
            &[("id", "1"), ("n", "2")],
        );
        check(
            "<cas:user>a</cas:user><cas:attributes><cas:attribute name='id' value='1'/>\
             <cas:schools><cas:school>x</cas:school></cas:schools></cas:attributes>",
            "a",
            &[("id", "1")],
        );
    }

    #[test]
    fn the_prefix_of_the_namespace_does_not_matter_and_the_namespace_does() {
        let with = |namespace: &str| {
            let text = format!(
                "<serviceResponse xmlns='{namespace}'><authenticationSuccess><user>a</user>\
                 </authenticationSuccess></serviceResponse>"
            );
            CasAnswer::read(text.as_bytes())
        };
        assert_eq!(with(CAS), Ok(CasAnswer::Success { user: "a".to_owned(), attributes: Vec::new() }));
        assert!(with("http://www.yale.edu/tp/cas/").is_err());
        assert!(CasAnswer::read(b"<serviceResponse><authenticationSuccess/></serviceResponse>").is_err());
    }

    #[test]
    fn an_answer_that_says_two_things_says_nothing() {
        let two_users = "<cas:user>a</cas:user><cas:user>b</cas:user>";
        assert!(success(two_users).is_err());
        assert!(success("").is_err());
        assert!(success("<cas:user>a<cas:b/></cas:user>").is_err());
        assert!(success("<cas:user>\u{7}</cas:user>").is_err());
        let both = format!(
            "<c:serviceResponse xmlns:c='{CAS}'><c:authenticationFailure code='INVALID_TICKET'/>\
             <c:authenticationSuccess><c:user>a</c:user></c:authenticationSuccess></c:serviceResponse>"
        );
        assert!(CasAnswer::read(both.as_bytes()).is_err());
    }

    #[test]
    fn a_refused_ticket_has_its_code() {
        let text = format!(
            "<cas:serviceResponse xmlns:cas='{CAS}'>\n <cas:authenticationFailure code=\"INVALID_TICKET\">Ticket \
             ST-185 not recognized</cas:authenticationFailure>\n</cas:serviceResponse>\n"
        );
        let expected = CasAnswer::Failure { code: "INVALID_TICKET".to_owned() };
        assert_eq!(CasAnswer::read(text.as_bytes()), Ok(expected));
    }

    #[test]
    fn a_sign_out_names_its_ticket() {
        let request = |inside: &str| {
            read_logout(&format!(
                "<samlp:LogoutRequest xmlns:samlp='{SAML}' ID='x' Version='2.0'><saml:NameID \
                 xmlns:saml='urn:oasis:names:tc:SAML:2.0:assertion'>@NOT_USED@</saml:NameID>{inside}\
                 </samlp:LogoutRequest>"
            ))
        };
        assert_eq!(request("<samlp:SessionIndex>ST-1-a</samlp:SessionIndex>").as_deref(), Ok("ST-1-a"));
        assert!(request("").is_err());
        assert!(request("<SessionIndex>ST-1-a</SessionIndex>").is_err());
        assert!(read_logout("<LogoutRequest/>").is_err());
    }
}
