/// Adapters as files: PEFT's directories and what their settings mean.
///
/// In: `adapter_config.json` with `adapter_model.safetensors` or `adapter_model.bin`. Out: an
/// [dev.lingyu.model.adapter.AdapterConfig] and tensors by name, and a directory again that PEFT loads. What
/// is computed with them is in [dev.lingyu.model.Adapters]. Invariant: a setting that would change the
/// result and that this program does not compute is refused by name.
@NullMarked
package dev.lingyu.model.adapter;

import org.jspecify.annotations.NullMarked;
