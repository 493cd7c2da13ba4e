//! XML from outside, read strictly into a small tree: no document type, no entities but the five of XML, no processing
//! instructions, nothing deep, nothing long. What an ENT says about a person is never worth guessing at.

use quick_xml::{
    NsReader, XmlVersion,
    escape::resolve_predefined_entity,
    events::{BytesStart, Event},
    name::ResolveResult,
};

/// Longest document, in bytes: a person's attributes fit a hundred times.
const BYTES_MAX: usize = 256 * 1024;

/// Elements inside each other: the tree is walked by recursion when it is dropped.
const DEPTH_MAX: usize = 12;

/// Elements of a document.
const ELEMENTS_MAX: usize = 2048;

/// Attributes of an element.
const ATTRIBUTES_MAX: usize = 32;

/// An element.
#[derive(Debug, Default)]
pub(super) struct Element {
    /// Its namespace; empty where it has none.
    pub(super) namespace: String,
    /// Its name without prefix.
    pub(super) name: String,
    /// Its attributes, by their names as written.
    pub(super) attributes: Vec<(String, String)>,
    /// The text in it, its children's left out.
    pub(super) text: String,
    /// The elements in it.
    pub(super) children: Vec<Self>,
}

/// The document is not of the strict form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the XML is malformed, too large, or has what it must not have")]
pub(super) struct Unreadable;

impl Element {
    /// The root of the document in `bytes`, UTF-8.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        if bytes.len() > BYTES_MAX {
            return Err(Unreadable);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| Unreadable)?;
        let mut reader = NsReader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
        // The elements that are open, the outermost first, below a place for the root.
        let mut open = vec![Self::default()];
        let mut count = 0;
        loop {
            let (namespace, event) = reader.read_resolved_event().map_err(|_| Unreadable)?;
            let namespace = match namespace {
                ResolveResult::Bound(namespace) => namespace.0.to_owned(),
                ResolveResult::Unbound => String::new(),
                ResolveResult::Unknown(_) => return Err(Unreadable),
            };
            match event {
                Event::Start(start) => {
                    count += 1;
                    if open.len() > DEPTH_MAX || count > ELEMENTS_MAX {
                        return Err(Unreadable);
                    }
                    open.push(Self::begun(namespace, &start)?);
                }
                Event::Empty(start) => {
                    count += 1;
                    if count > ELEMENTS_MAX {
                        return Err(Unreadable);
                    }
                    let element = Self::begun(namespace, &start)?;
                    open.last_mut().ok_or(Unreadable)?.children.push(element);
                }
                Event::End(_) => {
                    let element = open.pop().ok_or(Unreadable)?;
                    open.last_mut().ok_or(Unreadable)?.children.push(element);
                }
                Event::Text(text) => open.last_mut().ok_or(Unreadable)?.text.push_str(&text.xml10_content()),
                Event::CData(data) => open.last_mut().ok_or(Unreadable)?.text.push_str(&data.xml10_content()),
                Event::GeneralRef(reference) => {
                    let text = &mut open.last_mut().ok_or(Unreadable)?.text;
                    match reference.resolve_char_ref().map_err(|_| Unreadable)? {
                        Some(character) => text.push(character),
                        None => {
                            let name = reference.into_inner();
                            text.push_str(resolve_predefined_entity(&name).ok_or(Unreadable)?);
                        }
                    }
                }
                // Text on both sides of a comment reads as one word to some and as two to others.
                Event::Comment(_) if open.len() > 1 => return Err(Unreadable),
                Event::Comment(_) => {}
                Event::Decl(declaration) => {
                    let encoding = declaration.encoding().transpose().map_err(|_| Unreadable)?;
                    if encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case("utf-8")) {
                        return Err(Unreadable);
                    }
                }
                Event::DocType(_) | Event::PI(_) => return Err(Unreadable),
                Event::Eof => return Self::only_root(open),
            }
        }
    }

    /// The child with this namespace and name; none where there are several.
    pub(super) fn only(&self, namespace: &str, name: &str) -> Option<&Self> {
        let mut fitting = self.children.iter().filter(|child| child.is(namespace, name));
        fitting.next().filter(|_| fitting.next().is_none())
    }

    /// Whether the element has this namespace and name.
    pub(super) fn is(&self, namespace: &str, name: &str) -> bool {
        self.namespace == namespace && self.name == name
    }

    /// The attribute called `name`.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn begun(namespace: String, start: &BytesStart<'_>) -> Result<Self, Unreadable> {
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| Unreadable)?;
            if attributes.len() >= ATTRIBUTES_MAX {
                return Err(Unreadable);
            }
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| Unreadable)?;
            attributes.push((attribute.key.into_inner().to_owned(), value.into_owned()));
        }
        let name = start.local_name().into_inner().to_owned();
        Ok(Self { namespace, name, attributes, ..Self::default() })
    }

    /// Exactly one element, and nothing but space around it.
    fn only_root(mut open: Vec<Self>) -> Result<Self, Unreadable> {
        let mut document = open.pop().filter(|_| open.is_empty()).ok_or(Unreadable)?;
        let root = document.children.pop().ok_or(Unreadable)?;
        if document.children.is_empty() && document.text.trim().is_empty() {
            Ok(root)
        } else {
            Err(Unreadable)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_documents_may_not_have_is_refused() {
        for bad in [
            "",
            "   ",
            "texte",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<a/>texte",
            "<!DOCTYPE a><a/>",
            "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
            "<a>&x;</a>",
            "<a>&#0;</a>",
            "<a>&#xD800;</a>",
            "<a b='&x;'/>",
            "<a b='1' b='2'/>",
            "<?php x ?><a/>",
            "<p:a/>",
            "<a>un<!-- deux -->trois</a>",
            "<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
            "</a>",
        ] {
            assert!(Element::read(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(Element::read(b"<a>\xff</a>").is_err());
        let deep = format!("{}{}", "<a>".repeat(20), "</a>".repeat(20));
        assert!(Element::read(deep.as_bytes()).is_err());
        let wide = format!("<a>{}</a>", "<b/>".repeat(3000));
        assert!(Element::read(wide.as_bytes()).is_err());
        assert!(Element::read(&[b' '; BYTES_MAX + 1]).is_err());
    }

    #[test]
    fn text_is_what_an_xml_reader_hears() {
        let text = "\u{feff}<?xml version='1.0' encoding='UTF-8'?>\n<!-- x --><a x='l&apos;&#233;'>d&amp;e&#xe9;<![CDATA[<&]]></a>\n";
        let root = Element::read(text.as_bytes()).unwrap();
        assert_eq!(root.text, "d&eé<&");
        assert_eq!(root.attribute("x"), Some("l'é"));
    }
}
