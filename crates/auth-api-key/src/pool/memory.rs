//! The memory that one argon2 computation fills, kept by a thread from one run to the next.

use argon2::Block;

/// What a thread keeps between runs, in blocks of 1 KiB: enough for the parameters in use. More is given back at once.
const KEPT_BLOCKS: usize = 19_456;

/// What is reserved at least. Above 32 MiB (`DEFAULT_MMAP_THRESHOLD_MAX`, mallopt(3)) glibc always maps memory of its own and
/// unmaps it when it is freed; below, a freed block of this size stays with the process. Only what is used is ever touched.
const RESERVED_BLOCKS: usize = 33 * 1024;

/// Blocks for argon2, allocated at first use.
#[derive(Default)]
pub(crate) struct Memory(Vec<Block>);

impl Memory {
    /// So many blocks, with whatever the run before left in them: argon2 writes each before it reads it.
    pub(crate) fn blocks(&mut self, count: usize) -> &mut [Block] {
        if self.0.capacity() < count {
            self.0 = Vec::with_capacity(count.max(RESERVED_BLOCKS));
        }
        if self.0.len() < count {
            self.0.resize(count, Block::new());
        }
        &mut self.0[..count]
    }

    /// Gives back what an unusually large run needed.
    pub(super) fn trim(&mut self) {
        if self.0.len() > KEPT_BLOCKS {
            self.0 = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_kept_between_runs_of_the_usual_size() {
        let mut memory = Memory::default();
        let first = memory.blocks(KEPT_BLOCKS).as_ptr();
        memory.trim();
        assert_eq!(memory.blocks(8).len(), 8);
        assert_eq!(memory.blocks(KEPT_BLOCKS).as_ptr(), first);
    }

    #[test]
    fn more_than_usual_is_given_back_after_the_run() {
        let mut memory = Memory::default();
        assert_eq!(memory.blocks(RESERVED_BLOCKS + 1).len(), RESERVED_BLOCKS + 1);
        memory.trim();
        assert_eq!(memory.0.capacity(), 0);
    }
}
