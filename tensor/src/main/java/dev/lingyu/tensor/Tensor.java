package dev.lingyu.tensor;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/// An n-dimensional array in native memory, with libtorch's operations as methods.
///
/// Every operation returns a new tensor that belongs to the open [Scope]; names that end in `InPlace` change
/// the receiver and return it. Shapes broadcast as in PyTorch, negative dimensions count from the end.
/// Neural-network functions (norms, attention, activations) are in [Functional], gradients in [Autograd].
///
/// A tensor is used by one thread at a time.
public final class Tensor implements AutoCloseable {
    private static final LongAdder LIVE = new LongAdder();

    /// Squares that may be added up in f32 one after another: the norm keeps five digits.
    private static final long NORM_PIECE = 1 << 12;

    private org.bytedeco.pytorch.@Nullable Tensor handle;
    private @Nullable Scope owner;
    // Asked for at every step of a kernel's way, and slow to ask libtorch.
    private @Nullable DType dtype;
    // Memory that this tensor borrows (a mapped file) and that must outlive it.
    private @Nullable Object lender;

    private Tensor(org.bytedeco.pytorch.Tensor handle) {
        this.handle = handle;
        this.owner = Scope.current();
        if (owner != null) {
            owner.add(this);
        }
        LIVE.increment();
    }

    static Tensor wrap(org.bytedeco.pytorch.Tensor handle) {
        return new Tensor(handle);
    }

    /// How many tensors are open in this process: flat over steps when nothing leaks.
    public static long liveCount() {
        return LIVE.sum();
    }

    // ---- life

    org.bytedeco.pytorch.Tensor handle() {
        org.bytedeco.pytorch.Tensor open = handle;
        if (open == null) {
            throw new IllegalStateException("This tensor is closed: its scope ended before it was used.");
        }
        return open;
    }

    boolean isOwnedBy(Scope scope) {
        return owner == scope;
    }

    void moveTo(@Nullable Scope scope) {
        if (owner == scope) {
            return;
        }
        owner = scope;
        if (scope != null) {
            scope.add(this);
        }
    }

    Tensor borrowing(Object memoryOwner) {
        lender = memoryOwner;
        return this;
    }

    /// A tensor that may share this one's memory, and so keeps alive what this one borrows.
    private Tensor alias(org.bytedeco.pytorch.Tensor view) {
        Tensor tensor = wrap(view);
        tensor.lender = lender;
        return tensor;
    }

    /// The same values without history.
    Tensor detached() {
        return alias(handle().detach());
    }

    /// Takes the tensor out of its scope: from here the caller closes it.
    public Tensor detachFromScope() {
        owner = null;
        return this;
    }

    /// Frees this reference; memory goes when no view and no autograd graph needs it. Closing twice is
    /// harmless.
    @Override
    public void close() {
        if (handle != null) {
            handle.close();
            handle = null;
            lender = null;
            LIVE.decrement();
        }
    }

    /// Whether [#close()] was called.
    public boolean isClosed() {
        return handle == null;
    }

    // ---- making

    private static TensorOptions options(DType dtype, Device device) {
        TensorOptions options = new TensorOptions(dtype.scalarType());
        if (device.isCuda()) {
            try (org.bytedeco.pytorch.Device d = device.handle();
                    org.bytedeco.pytorch.DeviceOptional where = new org.bytedeco.pytorch.DeviceOptional(d);
                    TensorOptions plain = options) {
                return plain.device(where);
            }
        }
        return options;
    }

    /// A tensor of zeros on the CPU.
    public static Tensor zeros(DType dtype, long... shape) {
        return zeros(dtype, Device.CPU, shape);
    }

    /// A tensor of zeros.
    public static Tensor zeros(DType dtype, Device device, long... shape) {
        try (TensorOptions options = options(dtype, device)) {
            return wrap(torch.zeros(shape, options));
        }
    }

    /// Uninitialised memory.
    public static Tensor empty(DType dtype, Device device, long... shape) {
        if (!device.isCuda()) {
            return wrap(torch.empty(shape, OnCpu.OPTIONS[dtype.ordinal()], OnCpu.ANY));
        }
        try (TensorOptions options = options(dtype, device);
                org.bytedeco.pytorch.MemoryFormatOptional any = new org.bytedeco.pytorch.MemoryFormatOptional()) {
            return wrap(torch.empty(shape, options, any));
        }
    }

    /// What every tensor on the CPU is made with: making the options anew takes as long as the tensor.
    private static final class OnCpu {
        private static final TensorOptions[] OPTIONS = Arrays.stream(DType.values())
                .map(dtype -> new TensorOptions(dtype.scalarType()))
                .toArray(TensorOptions[]::new);
        private static final org.bytedeco.pytorch.MemoryFormatOptional ANY =
                new org.bytedeco.pytorch.MemoryFormatOptional();
    }

    /// A tensor filled with one value.
    public static Tensor full(DType dtype, Device device, double value, long... shape) {
        return empty(dtype, device, shape).fillInPlace(value);
    }

    /// `start, start + 1, … , end − 1` as int64 on the CPU.
    public static Tensor arange(long start, long end) {
        long[] values = new long[Math.toIntExact(end - start)];
        Arrays.setAll(values, i -> start + i);
        return of(values, values.length);
    }

    /// int64 values on the CPU.
    public static Tensor of(long[] values, long... shape) {
        checkCount(values.length, shape);
        Tensor tensor = empty(DType.I64, Device.CPU, shape);
        try (LongPointer memory = new LongPointer(tensor.handle().data_ptr())) {
            memory.put(values, 0, values.length);
        }
        return tensor;
    }

    /// int32 ids as int64 on the CPU: what embeddings and gathers index with.
    public static Tensor of(int[] values, long... shape) {
        return of(Arrays.stream(values).asLongStream().toArray(), shape);
    }

    /// float32 values on the CPU.
    public static Tensor of(float[] values, long... shape) {
        checkCount(values.length, shape);
        Tensor tensor = empty(DType.F32, Device.CPU, shape);
        try (FloatPointer memory = new FloatPointer(tensor.handle().data_ptr())) {
            memory.put(values, 0, values.length);
        }
        return tensor;
    }

    /// A tensor over memory that somebody else owns; nothing is copied. The owner is kept reachable while the
    /// tensor is open.
    static Tensor over(MemorySegment memory, DType dtype, long[] shape, Object memoryOwner) {
        try (TensorOptions options = options(dtype, Device.CPU);
                BytePointer pointer = new ForeignPointer(memory.address())) {
            return wrap(torch.from_blob(pointer, shape, options)).borrowing(memoryOwner);
        }
    }

    private static final class ForeignPointer extends BytePointer {
        ForeignPointer(long address) {
            super((org.bytedeco.javacpp.Pointer) null);
            this.address = address;
        }
    }

    private static void checkCount(int count, long... shape) {
        long wanted = 1;
        for (long size : shape) {
            wanted *= size;
        }
        if (wanted != count) {
            throw new IllegalArgumentException(count + " values do not fill the shape " + Arrays.toString(shape) + ".");
        }
    }

    /// Joins tensors along a dimension that exists.
    public static Tensor cat(List<Tensor> tensors, int dimension) {
        try (TensorVector vector = vector(tensors)) {
            return wrap(torch.cat(vector, dimension));
        }
    }

    /// Joins tensors of equal shape along a new dimension.
    public static Tensor stack(List<Tensor> tensors, int dimension) {
        try (TensorVector vector = vector(tensors)) {
            return wrap(torch.stack(vector, dimension));
        }
    }

    static TensorVector vector(List<Tensor> tensors) {
        TensorVector vector = new TensorVector();
        for (Tensor tensor : tensors) {
            vector.push_back(tensor.handle());
        }
        return vector;
    }

    // ---- facts

    /// The sizes of all dimensions.
    public long[] shape() {
        try (org.bytedeco.pytorch.LongArrayRef sizes = handle().sizes()) {
            long[] shape = new long[Math.toIntExact(handle().dim())];
            for (int i = 0; i < shape.length; i++) {
                shape[i] = sizes.get(i);
            }
            return shape;
        }
    }

    /// The size of one dimension.
    public long size(int dimension) {
        return handle().size(dimension);
    }

    /// Elements between neighbours of one dimension.
    public long stride(int dimension) {
        return handle().stride(dimension);
    }

    /// The number of dimensions.
    public int rank() {
        return Math.toIntExact(handle().dim());
    }

    /// The number of elements.
    public long count() {
        return handle().numel();
    }

    /// Bytes of all elements.
    public long byteCount() {
        return count() * dtype().byteSize();
    }

    /// The element type.
    public DType dtype() {
        DType known = dtype;
        if (known == null) {
            known = DType.of(handle().scalar_type());
            dtype = known;
        }
        return known;
    }

    /// Where the elements are.
    public Device device() {
        if (!handle().is_cuda()) {
            return Device.CPU;
        }
        try (org.bytedeco.pytorch.Device device = handle().device()) {
            return new Device(Device.Kind.CUDA, device.index());
        }
    }

    /// The address of the first element, for kernels over raw memory.
    public long address() {
        return handle().data_ptr().address();
    }

    /// Whether the elements lie row by row without gaps.
    public boolean isContiguous() {
        return handle().is_contiguous();
    }

    // ---- shapes

    public Tensor reshape(long... shape) {
        return alias(handle().reshape(shape));
    }

    public Tensor view(long... shape) {
        return alias(handle().view(shape));
    }

    public Tensor transpose(int a, int b) {
        return alias(handle().transpose(a, b));
    }

    public Tensor permute(long... order) {
        return alias(handle().permute(order));
    }

    public Tensor unsqueeze(int dimension) {
        return alias(handle().unsqueeze(dimension));
    }

    public Tensor squeeze(int dimension) {
        return alias(handle().squeeze(dimension));
    }

    public Tensor expand(long... shape) {
        return alias(handle().expand(shape));
    }

    /// A view of `length` entries of a dimension, from `start`.
    public Tensor narrow(int dimension, long start, long length) {
        return alias(handle().narrow(dimension, start, length));
    }

    /// A view of one entry of a dimension, which disappears.
    public Tensor select(int dimension, long index) {
        return alias(handle().select(dimension, index));
    }

    /// A view of the same memory with other sizes and steps.
    ///
    /// @param strides elements between neighbours of each dimension
    /// @param offset  elements before the first
    public Tensor asStrided(long[] shape, long[] strides, long offset) {
        try (org.bytedeco.pytorch.LongOptional start = new org.bytedeco.pytorch.LongOptional(offset)) {
            return alias(handle().as_strided(shape, strides, start));
        }
    }

    /// Views of the entries of a dimension, which disappears; recorded as one operation.
    public List<Tensor> unbind(int dimension) {
        try (TensorVector views = handle().unbind(dimension)) {
            return aliases(views);
        }
    }

    /// Views of neighbouring runs of a dimension; recorded as one operation.
    ///
    /// @param sizes of the runs, which add up to the dimension's
    public List<Tensor> split(int dimension, long... sizes) {
        try (TensorVector views = torch.split_with_sizes(handle(), sizes, dimension)) {
            return aliases(views);
        }
    }

    private List<Tensor> aliases(TensorVector views) {
        List<Tensor> list = new ArrayList<>();
        for (long i = 0; i < views.size(); i++) {
            list.add(alias(new org.bytedeco.pytorch.Tensor(views.get(i))));
        }
        return list;
    }

    /// The entries of a dimension that an int64 vector names, copied.
    public Tensor indexSelect(int dimension, Tensor indices) {
        return wrap(handle().index_select(dimension, indices.handle()));
    }

    /// `out[i][j] = this[i][index[i][j]]` for dimension 1, and alike for others.
    public Tensor gather(int dimension, Tensor index) {
        return wrap(torch.gather(handle(), dimension, index.handle()));
    }

    public Tensor contiguous() {
        return alias(handle().contiguous());
    }

    public Tensor copy() {
        return wrap(handle().clone());
    }

    /// The same elements as another type; the tensor itself, as a new reference, where it has that type
    /// already.
    public Tensor to(DType dtype) {
        return alias(handle().to(dtype.scalarType()));
    }

    public Tensor to(Device device) {
        if (!device.isCuda() && !handle().is_cuda()) {
            return to(dtype());
        }
        try (org.bytedeco.pytorch.Device d = device.handle()) {
            return alias(handle().to(d, handle().scalar_type()));
        }
    }

    /// Repeats each entry of a dimension `times` in a row.
    public Tensor repeatInterleave(long times, int dimension) {
        try (org.bytedeco.pytorch.LongOptional where = new org.bytedeco.pytorch.LongOptional(dimension);
                org.bytedeco.pytorch.LongOptional none = new org.bytedeco.pytorch.LongOptional()) {
            return wrap(torch.repeat_interleave(handle(), times, where, none));
        }
    }

    // ---- arithmetic

    public Tensor add(Tensor other) {
        return wrap(handle().add(other.handle()));
    }

    public Tensor add(double value) {
        try (Scalar scalar = new Scalar(value)) {
            return wrap(handle().add(scalar));
        }
    }

    public Tensor sub(Tensor other) {
        return wrap(handle().sub(other.handle()));
    }

    public Tensor mul(Tensor other) {
        return wrap(handle().mul(other.handle()));
    }

    public Tensor mul(double value) {
        try (Scalar scalar = new Scalar(value)) {
            return wrap(handle().mul(scalar));
        }
    }

    public Tensor div(Tensor other) {
        return wrap(handle().div(other.handle()));
    }

    public Tensor neg() {
        return wrap(handle().neg());
    }

    public Tensor exp() {
        return wrap(handle().exp());
    }

    public Tensor log() {
        return wrap(handle().log());
    }

    public Tensor sqrt() {
        return wrap(handle().sqrt());
    }

    /// `1 / √x`.
    public Tensor rsqrt() {
        return wrap(handle().rsqrt());
    }

    public Tensor abs() {
        return wrap(handle().abs());
    }

    public Tensor cos() {
        return wrap(handle().cos());
    }

    public Tensor sin() {
        return wrap(handle().sin());
    }

    public Tensor square() {
        return wrap(handle().square());
    }

    /// Matrix product over the last two dimensions, batched over the others.
    public Tensor matmul(Tensor other) {
        return wrap(handle().matmul(other.handle()));
    }

    /// Overwrites this matrix with `a · b`.
    public Tensor matmulInto(Tensor a, Tensor b) {
        torch.mm_out(handle(), a.handle(), b.handle()).close();
        return this;
    }

    /// `this [b × n × k] · other [b × k × m]`.
    public Tensor bmm(Tensor other) {
        return wrap(torch.bmm(handle(), other.handle()));
    }

    /// `this + scale · a · b`, the batched product added to a bias that broadcasts.
    public Tensor baddbmm(Tensor a, Tensor b, double scale) {
        try (Scalar alpha = new Scalar(scale);
                Scalar beta = new Scalar(1.0)) {
            return wrap(torch.baddbmm(handle(), a.handle(), b.handle(), beta, alpha));
        }
    }

    /// Element by element: bool, whether the values are equal.
    public Tensor equalTo(Tensor other) {
        return wrap(handle().eq(other.handle()));
    }

    // ---- reductions

    public Tensor sum() {
        return wrap(handle().sum());
    }

    public Tensor sum(int dimension) {
        return wrap(handle().sum((long) dimension));
    }

    public Tensor mean() {
        return wrap(handle().mean());
    }

    public Tensor mean(int dimension) {
        return wrap(handle().mean((long) dimension));
    }

    public Tensor max() {
        return wrap(handle().max());
    }

    /// The index of the largest entry along a dimension.
    public Tensor argmax(int dimension) {
        try (org.bytedeco.pytorch.LongOptional where = new org.bytedeco.pytorch.LongOptional(dimension)) {
            return wrap(torch.argmax(handle(), where, false));
        }
    }

    /// The 2-norm of all elements, a scalar tensor.
    ///
    /// A long tensor is taken in pieces: libtorch adds the squares up one after another, in f32, which loses
    /// 3e-4 of the norm of 9 million elements and 1 % of that of 100 million.
    public Tensor norm() {
        long pieces = count() / NORM_PIECE;
        if (pieces < 2 || !isContiguous()) {
            return wrap(handle().norm());
        }
        return Scope.compute(() -> {
            Tensor flat = view(count());
            long taken = pieces * NORM_PIECE;
            Tensor rows = flat.narrow(0, 0, taken).view(pieces, NORM_PIECE);
            Tensor rest = flat.narrow(0, taken, count() - taken);
            Tensor norms = wrap(rows.handle().norm(new ScalarOptional(new Scalar(2)), 1));
            return cat(List.of(norms, wrap(rest.handle().norm()).view(1)), 0).norm();
        });
    }

    public Tensor softmax(int dimension) {
        return wrap(torch.softmax(handle(), dimension));
    }

    public Tensor logSoftmax(int dimension) {
        return wrap(torch.log_softmax(handle(), dimension));
    }

    // ---- in place

    public Tensor fillInPlace(double value) {
        try (Scalar scalar = new Scalar(value)) {
            handle().fill_(scalar);
        }
        return this;
    }

    public Tensor zeroInPlace() {
        handle().zero_();
        return this;
    }

    /// Takes over the values of another tensor, converting their type.
    public Tensor copyInPlace(Tensor source) {
        handle().copy_(source.handle());
        return this;
    }

    public Tensor addInPlace(Tensor other) {
        handle().add_(other.handle());
        return this;
    }

    /// `this += scale · other`.
    public Tensor addInPlace(Tensor other, double scale) {
        try (Scalar alpha = new Scalar(scale)) {
            handle().add_(other.handle(), alpha);
        }
        return this;
    }

    public Tensor mulInPlace(Tensor other) {
        handle().mul_(other.handle());
        return this;
    }

    public Tensor mulInPlace(double value) {
        try (Scalar scalar = new Scalar(value)) {
            handle().mul_(scalar);
        }
        return this;
    }

    public Tensor expInPlace() {
        handle().exp_();
        return this;
    }

    /// `this[i][index[i][j]] += source[i][j]` for dimension 1, and alike for others.
    public Tensor scatterAddInPlace(int dimension, Tensor index, Tensor source) {
        handle().scatter_add_(dimension, index.handle(), source.handle());
        return this;
    }

    /// `this += a · b` for matrices, without a temporary.
    public Tensor addMatmulInPlace(Tensor a, Tensor b) {
        handle().addmm_(a.handle(), b.handle());
        return this;
    }

    /// Adds row i of `source` to row `indices[i]` of this tensor.
    public Tensor indexAddInPlace(int dimension, Tensor indices, Tensor source) {
        handle().index_add_(dimension, indices.handle(), source.handle());
        return this;
    }

    /// Normally distributed values from a generator of known state.
    public Tensor normalInPlace(double mean, double standardDeviation, Generator generator) {
        try (GeneratorOptional source = generator.optional()) {
            handle().normal_(mean, standardDeviation, source);
        }
        return this;
    }

    /// Values spread evenly over [low, high), from a generator of known state.
    public Tensor uniformInPlace(double low, double high, Generator generator) {
        try (GeneratorOptional source = generator.optional()) {
            handle().uniform_(low, high, source);
        }
        return this;
    }

    /// Ones with a probability, else zeros, from a generator of known state.
    public Tensor bernoulliInPlace(double probability, Generator generator) {
        try (GeneratorOptional source = generator.optional()) {
            handle().bernoulli_(probability, source);
        }
        return this;
    }

    // ---- values

    /// The value of a tensor with one element.
    public double item() {
        return handle().item_double();
    }

    /// The sum in float64, whatever the element type.
    public double sumAsDouble() {
        try (ScalarTypeOptional wide = new ScalarTypeOptional(DType.F64.scalarType());
                org.bytedeco.pytorch.Tensor sum = handle().sum(wide)) {
            return sum.item_double();
        }
    }

    /// All elements, row by row, as floats.
    public float[] toFloats() {
        float[] values = new float[Math.toIntExact(count())];
        if (values.length == 0) {
            return values;
        }
        try (Scope scope = Scope.open()) {
            Tensor plain = to(DType.F32).to(Device.CPU).contiguous();
            try (FloatPointer memory = new FloatPointer(plain.handle().data_ptr())) {
                memory.get(values, 0, values.length);
            }
        }
        return values;
    }

    /// All elements, row by row, as doubles.
    public double[] toDoubles() {
        double[] values = new double[Math.toIntExact(count())];
        if (values.length == 0) {
            return values;
        }
        try (Scope scope = Scope.open()) {
            Tensor plain = to(DType.F64).to(Device.CPU).contiguous();
            try (DoublePointer memory = new DoublePointer(plain.handle().data_ptr())) {
                memory.get(values, 0, values.length);
            }
        }
        return values;
    }

    /// All elements of an integer tensor, row by row.
    public long[] toLongs() {
        long[] values = new long[Math.toIntExact(count())];
        if (values.length == 0) {
            return values;
        }
        try (Scope scope = Scope.open()) {
            Tensor plain = to(DType.I64).to(Device.CPU).contiguous();
            try (LongPointer memory = new LongPointer(plain.handle().data_ptr())) {
                memory.get(values, 0, values.length);
            }
        }
        return values;
    }

    /// All elements of an integer tensor, row by row, as ints.
    public int[] toInts() {
        int[] values = new int[Math.toIntExact(count())];
        if (values.length == 0) {
            return values;
        }
        try (Scope scope = Scope.open()) {
            Tensor plain = to(DType.I32).to(Device.CPU).contiguous();
            try (IntPointer memory = new IntPointer(plain.handle().data_ptr())) {
                memory.get(values, 0, values.length);
            }
        }
        return values;
    }

    /// The elements as raw bytes in native memory; valid while this contiguous CPU tensor is open.
    public MemorySegment bytes() {
        if (!isContiguous() || handle().is_cuda()) {
            throw new IllegalStateException(
                    "Only a contiguous tensor on the CPU has plain bytes: call to(CPU).contiguous() first.");
        }
        return MemorySegment.ofAddress(address()).reinterpret(byteCount());
    }

    /// Whether every element is finite.
    public boolean allFinite() {
        try (org.bytedeco.pytorch.Tensor finite = torch.isfinite(handle());
                org.bytedeco.pytorch.Tensor all = finite.all()) {
            return all.item_bool();
        }
    }

    @Override
    public String toString() {
        return handle == null
                ? "Tensor[closed]"
                : "Tensor[" + dtype() + " " + Arrays.toString(shape()) + " on " + device() + "]";
    }
}
