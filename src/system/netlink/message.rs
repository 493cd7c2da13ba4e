//! The bytes of netlink messages for set elements, written and read.

use super::Element;

const SUBSYSTEM: u16 = 10; // NFNL_SUBSYS_NFTABLES
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const NEW_SET_ELEMENT: u16 = SUBSYSTEM << 8 | 12;
const DELETE_SET_ELEMENT: u16 = SUBSYSTEM << 8 | 14;
const ERROR: u16 = 2; // NLMSG_ERROR; with the code 0 it is the acknowledgement.

const REQUEST: u16 = 0x1;
const ACKNOWLEDGE: u16 = 0x4;
const CREATE: u16 = 0x400;

const FAMILY_INET: u8 = 1;

const NESTED: u16 = 0x8000;
const ELEMENTS_TABLE: u16 = 1;
const ELEMENTS_SET: u16 = 2;
const ELEMENTS: u16 = 3;
const ELEMENT: u16 = 1;
const ELEMENT_KEY: u16 = 1;
const ELEMENT_TIMEOUT: u16 = 4;
const DATA_VALUE: u16 = 1;

const HEADER_BYTES: usize = 16;

/// A transaction while it is written.
#[derive(Debug)]
pub(super) struct Transaction {
    bytes: Vec<u8>,
    sequence: u32,
    /// How many of its messages the kernel answers.
    pub(super) answers: usize,
}

impl Transaction {
    /// An empty transaction; its messages count from `sequence`.
    pub(super) fn new(sequence: u32) -> Self {
        let mut transaction = Self { bytes: Vec::new(), sequence, answers: 0 };
        transaction.message(BATCH_BEGIN, REQUEST, 0, SUBSYSTEM, |_| ());
        transaction
    }

    /// Adds elements to a set. One that is there stays as it is on kernels before 6.12.
    pub(super) fn add(&mut self, table: &str, set: &str, elements: &[Element]) {
        let flags = REQUEST | ACKNOWLEDGE | CREATE;
        self.elements(NEW_SET_ELEMENT, flags, [table, set], |list| {
            for Element { key, timeout } in elements {
                let milliseconds = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
                nested(list, ELEMENT, |element| {
                    nested(element, ELEMENT_KEY, |data| attribute(data, DATA_VALUE, key));
                    attribute(element, ELEMENT_TIMEOUT, &milliseconds.to_be_bytes());
                });
            }
        });
    }

    /// Deletes elements of a set; each must be there.
    pub(super) fn delete<'a>(&mut self, table: &str, set: &str, keys: impl Iterator<Item = &'a [u8]>) {
        self.elements(DELETE_SET_ELEMENT, REQUEST | ACKNOWLEDGE, [table, set], |list| {
            for key in keys {
                nested(list, ELEMENT, |element| {
                    nested(element, ELEMENT_KEY, |data| attribute(data, DATA_VALUE, key));
                });
            }
        });
    }

    /// The finished datagram, and where the next transaction counts from.
    pub(super) fn finish(mut self) -> (Vec<u8>, u32) {
        self.message(BATCH_END, REQUEST, 0, SUBSYSTEM, |_| ());
        (self.bytes, self.sequence)
    }

    fn elements(&mut self, kind: u16, flags: u16, [table, set]: [&str; 2], write: impl FnOnce(&mut Vec<u8>)) {
        self.answers += 1;
        self.message(kind, flags, FAMILY_INET, 0, |body| {
            attribute(body, ELEMENTS_TABLE, &zero_ended(table));
            attribute(body, ELEMENTS_SET, &zero_ended(set));
            nested(body, ELEMENTS, write);
        });
    }

    fn message(&mut self, kind: u16, flags: u16, family: u8, id: u16, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        self.bytes.extend([0; 4]);
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend(flags.to_ne_bytes());
        self.bytes.extend(self.sequence.to_ne_bytes());
        self.bytes.extend([0; 4]);
        self.bytes.extend([family, 0]);
        self.bytes.extend(id.to_be_bytes());
        write(&mut self.bytes);
        let length = u32::try_from(self.bytes.len() - start).expect("the writer bounds its elements");
        self.bytes[start..start + 4].copy_from_slice(&length.to_ne_bytes());
        self.sequence = self.sequence.wrapping_add(1);
    }
}

/// Writes an attribute, filled up to four bytes; the length is without the filling.
fn attribute(bytes: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let length = u16::try_from(value.len() + 4).expect("values are names, keys and times");
    bytes.extend(length.to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

/// Writes an attribute that holds attributes.
fn nested(bytes: &mut Vec<u8>, kind: u16, write: impl FnOnce(&mut Vec<u8>)) {
    let start = bytes.len();
    bytes.extend([0; 2]);
    bytes.extend((kind | NESTED).to_ne_bytes());
    write(bytes);
    let length = u16::try_from(bytes.len() - start).expect("the writer bounds its elements");
    bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
}

fn zero_ended(name: &str) -> Vec<u8> {
    [name.as_bytes(), &[0]].concat()
}

/// The error numbers in a datagram of answers, 0 for a message that was carried out. The datagram may be cut short: an
/// answer repeats the refused message, which nobody reads.
pub(super) fn answers(mut datagram: &[u8]) -> Vec<i32> {
    let mut numbers = Vec::new();
    while let Some((length, kind, body)) = first_message(datagram) {
        if let (ERROR, Some((code, _))) = (kind, body.split_first_chunk()) {
            // The kernel's codes are negative error numbers.
            numbers.push(i32::from_ne_bytes(*code).saturating_neg());
        }
        datagram = datagram.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    numbers
}

/// The first message's length, its type, and what is there of its body.
fn first_message(datagram: &[u8]) -> Option<(usize, u16, &[u8])> {
    let (length, rest) = datagram.split_first_chunk()?;
    let (kind, _) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_ne_bytes(*length)).ok()?;
    let body = datagram.get(HEADER_BYTES..length.min(datagram.len()))?;
    Some((length, u16::from_ne_bytes(*kind), body))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// What `nft add element inet preau alive { ipv6 timeout 3s }` was seen to send (nft 1.0.6), but for our ACK flag,
    /// the order of key and time, and the id of the set.
    #[rustfmt::skip]
    const SEEN: [u8; 116] = [
        20, 0, 0, 0, 0x10, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, // begin
        76, 0, 0, 0, 12, 10, 5, 4, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, // new element
        10, 0, 1, 0, b'p', b'r', b'e', b'a', b'u', 0, 0, 0, // table
        10, 0, 2, 0, b'a', b'l', b'i', b'v', b'e', 0, 0, 0, // set
        32, 0, 3, 0x80, 28, 0, 1, 0x80, // list, element
        12, 0, 1, 0x80, 5, 0, 1, 0, 10, 0, 0, 0, // key
        12, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0x0b, 0xb8, // 3000 ms
        20, 0, 0, 0, 0x11, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, // end
    ];

    #[test]
    #[cfg(target_endian = "little")]
    fn an_added_element_is_written_as_nft_writes_it() {
        let mut transaction = Transaction::new(0);
        let key = vec![10];
        transaction.add("preau", "alive", &[Element { key, timeout: Duration::from_secs(3) }]);
        assert_eq!(transaction.answers, 1);
        assert_eq!(transaction.finish(), (SEEN.to_vec(), 3));
    }

    #[test]
    fn answers_are_read_from_every_prefix_without_a_panic() {
        let mut datagram = Vec::new();
        for code in [0_i32, -2] {
            datagram.extend(36_u32.to_ne_bytes());
            datagram.extend(ERROR.to_ne_bytes());
            datagram.extend([0; 10]);
            datagram.extend(code.to_ne_bytes());
            datagram.extend([0; 16]);
        }
        for end in 0..datagram.len() {
            assert!([0, 2].starts_with(&answers(&datagram[..end])), "{end}");
        }
        assert_eq!(answers(&datagram), [0, 2]);
        assert!(answers(&[0; 64]).is_empty());
    }
}
