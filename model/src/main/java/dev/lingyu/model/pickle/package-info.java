/// Weights that PyTorch saved with pickle: `pytorch_model.bin` and Megatron's `mp_rank_00_model_states.pt`.
///
/// In: a file that anybody may have written. Out: tensors by name, as views of the mapped file.
/// Invariant: a pickle is a program, and this one runs nothing: only opcodes that build plain data are followed
/// and only the names that rebuild tensors are known; any other name ends the reading and is reported.
@NullMarked
package dev.lingyu.model.pickle;

import org.jspecify.annotations.NullMarked;
