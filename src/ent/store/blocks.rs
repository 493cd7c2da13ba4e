//! The digest of a run of bytes, and of each 64 KiB block of it, in one pass.
//!
//! BLAKE3 is a tree. A block of 64 KiB is a subtree of it, so that the digest of the whole follows from the *chaining
//! values* of its blocks, 32 bytes each: whoever has those and the digest checks them against one another, and then any
//! block alone against its own, without reading the rest. A run of one block or less has no chaining values: its digest
//! is checked itself.

use blake3::{
    Hasher,
    hazmat::{HasherExt as _, Mode, merge_subtrees_non_root, merge_subtrees_root},
};

use super::{growing::length_of, kept::Digest};

/// Bytes of a block; all but the last of a run have as many.
pub(super) const BLOCK_BYTES: u64 = 64 * 1024;

/// What stands for a block in the tree.
pub(super) type ChainingValue = [u8; 32];

/// Takes a run's bytes in any pieces.
#[derive(Debug)]
pub(super) struct BlockHasher {
    block: Hasher,
    filled: u64,
    done: Vec<ChainingValue>,
}

impl BlockHasher {
    pub(super) fn new() -> Self {
        Self { block: Hasher::new(), filled: 0, done: Vec::new() }
    }

    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.filled == BLOCK_BYTES {
                self.done.push(self.block.finalize_non_root());
                self.block = block_hasher(length_of_blocks(&self.done));
                self.filled = 0;
            }
            let room = usize::try_from(BLOCK_BYTES - self.filled).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.block.update(now);
            self.filled += length_of(now);
            bytes = later;
        }
    }

    /// The digest of all, and the chaining values of its blocks where there is more than one.
    pub(super) fn finish(mut self) -> (Digest, Vec<ChainingValue>) {
        if self.done.is_empty() {
            return (Digest(self.block.finalize().into()), Vec::new());
        }
        self.done.push(self.block.finalize_non_root());
        (root(&self.done), self.done)
    }
}

/// How many chaining values a run of `length` bytes has.
pub(super) const fn chaining_values(length: u64) -> u64 {
    let blocks = length.div_ceil(BLOCK_BYTES);
    if blocks > 1 { blocks } else { 0 }
}

/// The digest of the run whose blocks, two or more, have these chaining values.
pub(super) fn root(values: &[ChainingValue]) -> Digest {
    let (left, right) = values.split_at(left_of(values.len()));
    Digest(merge_subtrees_root(&subtree(left), &subtree(right), Mode::Hash).into())
}

/// Whether `bytes` are the block with number `index` of a run with these chaining values.
pub(super) fn is_block(bytes: &[u8], index: usize, digest: Digest, values: &[ChainingValue]) -> bool {
    if values.is_empty() {
        return index == 0 && blake3::hash(bytes) == blake3::Hash::from(digest.0);
    }
    if bytes.is_empty() || length_of(bytes) > BLOCK_BYTES {
        return false;
    }
    let mut hasher = block_hasher(u64::try_from(index).unwrap_or(u64::MAX).saturating_mul(BLOCK_BYTES));
    values.get(index) == Some(&hasher.update(bytes).finalize_non_root())
}

fn subtree(values: &[ChainingValue]) -> ChainingValue {
    match values {
        [] => [0; 32],
        [one] => *one,
        several => {
            let (left, right) = several.split_at(left_of(several.len()));
            merge_subtrees_non_root(&subtree(left), &subtree(right), Mode::Hash)
        }
    }
}

/// The blocks of the left subtree: the greatest power of two below `blocks`, which is at least 2.
fn left_of(blocks: usize) -> usize {
    blocks.div_ceil(2).next_power_of_two()
}

fn block_hasher(offset: u64) -> Hasher {
    let mut hasher = Hasher::new();
    hasher.set_input_offset(offset);
    hasher
}

fn length_of_blocks(values: &[ChainingValue]) -> u64 {
    u64::try_from(values.len()).unwrap_or(u64::MAX).saturating_mul(BLOCK_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect()
    }

    #[test]
    fn the_digest_by_blocks_is_blake3_of_the_whole() {
        let block = usize::try_from(BLOCK_BYTES).unwrap();
        for length in [0, 1, block - 1, block, block + 1, 2 * block, 3 * block + 7, 5 * block, 9 * block + 1]
        {
            let bytes = bytes(length);
            let mut hasher = BlockHasher::new();
            bytes.chunks(10_007).for_each(|piece| hasher.update(piece));
            let (digest, values) = hasher.finish();
            assert_eq!(digest.0, *blake3::hash(&bytes).as_bytes(), "{length} bytes");
            assert_eq!(length_of_blocks(&values), chaining_values(length_of(&bytes)) * BLOCK_BYTES);
            for (index, piece) in bytes.chunks(block).enumerate() {
                assert!(is_block(piece, index, digest, &values), "block {index} of {length} bytes");
            }
        }
    }

    #[test]
    fn a_changed_block_or_one_at_another_place_is_not_it() {
        let block = usize::try_from(BLOCK_BYTES).unwrap();
        let bytes = bytes(3 * block);
        let mut hasher = BlockHasher::new();
        hasher.update(&bytes);
        let (digest, values) = hasher.finish();
        let mut second = bytes[block..2 * block].to_vec();
        assert!(!is_block(&second, 2, digest, &values));
        assert!(!is_block(&second, 3, digest, &values));
        second[77] ^= 1;
        assert!(!is_block(&second, 1, digest, &values));
    }
}
