package dev.lingyu.dataset;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.Closeable;
import java.io.IOException;

/// A cursor over the rows of one file.
interface RowSource extends Closeable {
    /// Goes to the next row.
    ///
    /// @return false at the end of the file
    /// @throws RowFault if the row can't be read; unless it is fatal, the next call goes on behind it
    boolean advance() throws IOException, RowFault;

    /// The number of the current row, from 1; after a fault, of the row at fault.
    long row();

    /// The current row.
    JsonNode value();

    /// The text of the current row, also of one at fault as far as it can be shown.
    String raw();
}
