package dev.lingyu.tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.bytedeco.pytorch.Dispatcher;
import org.bytedeco.pytorch.GenericList;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.OperatorHandle;
import org.bytedeco.pytorch.TensorType;
import org.bytedeco.pytorch.Type;

/// ATen functions that the Java presets don't map, such as those whose name starts with `_`, called through
/// libtorch's dispatcher.
///
/// ```java
/// Boxed.call("aten::_fused_adamw_", "", parameters, gradients, …);
/// ```
public final class Boxed {
    // Asking the schema for it would copy all of the function's arguments, and the presets never free that copy.
    private static final Type.TypePtr TENSOR = new Type.TypePtr(TensorType.get());
    private static final Map<String, OperatorHandle> OPERATORS = new ConcurrentHashMap<>();

    private Boxed() {}

    /// Calls a function by name.
    ///
    /// @param name      with its namespace, as in `native_functions.yaml`
    /// @param overload  empty for the plain one
    /// @param arguments in the schema's order, none left out: [Tensor], a list of tensors, `Double`, `Long`,
    ///                  `Boolean`, or any [Optional] for `None`
    /// @return the tensors that the function returns
    /// @throws TensorException when there is no such function or an argument has no counterpart
    public static List<Tensor> call(String name, String overload, Object... arguments) {
        OperatorHandle operator = OPERATORS.computeIfAbsent(name + "|" + overload, key -> find(name, overload));
        List<AutoCloseable> made = new ArrayList<>();
        try (IValueVector stack = new IValueVector()) {
            for (int i = 0; i < arguments.length; i++) {
                IValue value = value(arguments[i], i, made);
                made.add(value);
                stack.push_back(value);
            }
            operator.callBoxed(stack);
            List<Tensor> results = new ArrayList<>();
            for (long i = 0; i < stack.size(); i++) {
                IValue result = stack.get(i);
                if (result.isTensor()) {
                    results.add(Tensor.wrap(result.toTensor()));
                }
            }
            return results;
        } finally {
            for (AutoCloseable resource : made) {
                try {
                    resource.close();
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            }
        }
    }

    private static OperatorHandle find(String name, String overload) {
        try {
            return Dispatcher.singleton().findSchemaOrThrow(name, overload);
        } catch (RuntimeException e) {
            throw new TensorException(
                    "This libtorch has no function " + name + (overload.isEmpty() ? "." : " (" + overload + ")."), e);
        }
    }

    private static IValue value(Object argument, int index, List<AutoCloseable> made) {
        return switch (argument) {
            case Tensor tensor -> new IValue(tensor.handle());
            case Double number -> new IValue(number.doubleValue());
            case Long number -> new IValue(number.longValue());
            case Boolean flag -> new IValue(flag.booleanValue());
            case Optional<?> none -> new IValue();
            case List<?> tensors -> {
                GenericList list = new GenericList(TENSOR);
                made.add(list);
                for (Object tensor : tensors) {
                    IValue element = new IValue(((Tensor) tensor).handle());
                    made.add(element);
                    list.push_back(element);
                }
                yield new IValue(list);
            }
            default ->
                throw new TensorException("Argument " + index + " of a boxed call has the type "
                        + argument.getClass().getSimpleName() + ", which has no counterpart in libtorch.");
        };
    }
}
