//! The working memory of argon2. A thread reuses it between runs.

use argon2::Block;

/// Blocks of 1 KiB that a thread keeps between runs: enough for the current parameters. `trim`
/// frees a larger allocation.
const KEPT_BLOCKS: usize = 19_456;

/// Minimum allocation. Above 32 MiB (`DEFAULT_MMAP_THRESHOLD_MAX`, mallopt(3)) glibc always maps
/// memory and unmaps it on free. A smaller freed block stays with the process. Argon2 touches only
/// the blocks that it uses.
const RESERVED_BLOCKS: usize = 33 * 1024;

/// Blocks for argon2, allocated at first use.
#[derive(Default)]
pub(crate) struct Memory(Vec<Block>);

impl Memory {
    /// Returns `count` blocks. They may contain data of an earlier run: argon2 writes each block
    /// before it reads it.
    pub(crate) fn blocks(&mut self, count: usize) -> &mut [Block] {
        if self.0.capacity() < count {
            self.0 = Vec::with_capacity(count.max(RESERVED_BLOCKS));
        }
        if self.0.len() < count {
            self.0.resize(count, Block::new());
        }
        &mut self.0[..count]
    }

    /// Frees the allocation of an unusually large run.
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
    fn a_larger_allocation_is_freed_after_the_run() {
        let mut memory = Memory::default();
        assert_eq!(memory.blocks(RESERVED_BLOCKS + 1).len(), RESERVED_BLOCKS + 1);
        memory.trim();
        assert_eq!(memory.0.capacity(), 0);
    }
}
