package dev.lingyu.tensor.kernel;

import java.util.LinkedHashMap;
import java.util.Map;

/// Products of many bf16 rows with bf16 weights in panels ([PackedMatrix]'s layout), by oneDNN.
///
/// libtorch has oneDNN inside and hands it weights as they lie in files, which oneDNN has to rearrange at every
/// call. Called directly it takes the panels as they are (docs/benchmarks/decode.md has the figures). Each of
/// [Workers] computes outputs of its own: with oneDNN's own threads two pools would wait for work on the same cores.
final class PanelMatmul {
    /// Prepared products that are kept, by thread: each number of rows makes one per shape of a matrix.
    private static final int KEPT = 512;
    /// The layout's inner blocks hold so many inputs.
    private static final int INPUTS = 32;

    private static final class Support {
        private static final boolean FAST = probe();

        private static boolean probe() {
            try (OneDnn.Matmul product = new OneDnn.Matmul(16, 128, 128, 128, true)) {
                // Without instructions for bf16 products oneDNN goes through a plain loop.
                return product.kernel().startsWith("brg_matmul:avx");
            } catch (LinkageError | IllegalArgumentException | IllegalStateException missing) {
                return false;
            }
        }
    }

    /// @param rows rows of x
    /// @param in   inputs
    /// @param out  outputs
    /// @param step from one row of y to the next
    /// @param bias whether one is added
    private record Shape(long rows, long in, long out, long step, boolean bias) {
        OneDnn.Matmul prepare() {
            return new OneDnn.Matmul(rows, in, out, step, bias);
        }
    }

    /// What one thread has made ready; the one used least recently goes first.
    private static final class Prepared extends LinkedHashMap<Shape, OneDnn.Matmul> {
        private static final long serialVersionUID = 1;

        private Prepared() {
            super(16, 0.75f, true);
        }

        @Override
        protected boolean removeEldestEntry(Map.Entry<Shape, OneDnn.Matmul> eldest) {
            if (size() <= KEPT) {
                return false;
            }
            eldest.getValue().close();
            return true;
        }
    }

    private static final ThreadLocal<Prepared> PREPARED = ThreadLocal.withInitial(Prepared::new);

    private PanelMatmul() {}

    /// Whether this processor multiplies bf16 by instructions of its own, and panels of so many inputs have the
    /// layout.
    static boolean takes(long in) {
        return in % INPUTS == 0 && Support.FAST;
    }

    /// `y = x · Wᵀ + bias`, added up in f32. All are addresses of bf16.
    ///
    /// @param x    [rows × in]
    /// @param w    panels of [out × in]
    /// @param bias [out], or 0 for none
    /// @param y    [rows × out], written
    static void multiply(long x, long rows, long in, long w, long out, long bias, long y) {
        long panels = (out + PackedMatrix.PANEL - 1) / PackedMatrix.PANEL;
        Workers.shared().run((part, parts) -> {
            long from = PackedMatrix.PANEL * (panels * part / parts);
            long to = Math.min(out, PackedMatrix.PANEL * (panels * (part + 1) / parts));
            if (from < to) {
                own(x, rows, in, w + 2 * in * from, to - from, bias == 0 ? 0 : bias + 2 * from, y + 2 * from, out);
            }
        });
    }

    /// The same for some outputs, by the calling thread alone.
    ///
    /// @param w    panels of the outputs
    /// @param bias of the outputs, or 0 for none
    /// @param y    the outputs' first row
    /// @param step from one row of y to the next
    static void own(long x, long rows, long in, long w, long outputs, long bias, long y, long step) {
        Shape shape = new Shape(rows, in, outputs, step, bias != 0);
        OneDnn.alone(() -> PREPARED.get().computeIfAbsent(shape, Shape::prepare).run(x, w, bias, y));
    }

    /// Frees what the calling thread has made ready.
    static void forget() {
        PREPARED.get().values().forEach(OneDnn.Matmul::close);
        PREPARED.remove();
    }
}
