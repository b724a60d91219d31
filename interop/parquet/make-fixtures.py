#!/usr/bin/env python3
"""Small Parquet files as pyarrow and Hugging Face's datasets write them, for ParquetTest.

    pip install "pyarrow==26.0.1"
    python3 interop/parquet/make-fixtures.py

Writes dataset/src/test/resources/parquet.
"""
import pathlib
import pyarrow as pa, pyarrow.parquet as pq

OUT = pathlib.Path("dataset/src/test/resources/parquet")
CHAT = [
    {"conversations": [{"from": "human", "value": "你好 😀"}, {"from": "gpt", "value": "您好。"}], "system": None},
    {"conversations": [{"from": "human", "value": "再见"}, {"from": "gpt", "value": ""}, {"from": "human", "value": "?"}, {"from": "gpt", "value": "bye"}], "system": "短"},
]
ALPACA = [{"instruction": f"第{i}题", "input": "" if i % 2 else None, "output": f"答{i}" * (i % 7 + 1), "score": i / 4} for i in range(300)]
OUT.mkdir(parents=True, exist_ok=True)
for codec in ("snappy", "zstd", "gzip", "none"):
    pq.write_table(pa.Table.from_pylist(CHAT), OUT / f"chat-{codec}.parquet", compression=codec)
pq.write_table(pa.Table.from_pylist(ALPACA), OUT / "alpaca.parquet", compression="snappy", row_group_size=100)
