# Third-party software

Lingyu itself is under the Apache License 2.0 ([LICENSE](LICENSE)). It ships with these libraries, which keep their own
licences; where several are named, any one of them may be chosen. `./verify` compares this list with the build;
`cli/target/third-party/THIRD-PARTY.md` is the list to copy after a dependency changed.

| library | version | licence |
|---|---|---|
<#assign seen = [] />
<#list dependencyMap?sort_by(["key","id"]) as entry>
<#assign p = entry.getKey() />
<#assign key = p.groupId + ":" + p.artifactId + ":" + p.version />
<#if p.groupId != "dev.lingyu" && !seen?seq_contains(key)>
<#assign seen = seen + [key] />
| ${p.groupId}:${p.artifactId} | ${p.version} | <#list entry.getValue() as license>${license}<#sep>, </#list> |
</#if>
</#list>

The native libraries inside carry more: `org.bytedeco:pytorch` holds libtorch (BSD-3-Clause), oneDNN (Apache-2.0), Gloo
(BSD-3-Clause) and GNU's OpenMP runtime libgomp (GPL-3.0 with the GCC runtime exception); `org.bytedeco:dnnl` holds oneDNN
(Apache-2.0) and libgomp; `org.bytedeco:openblas` holds
OpenBLAS (BSD-3-Clause) and GNU's runtimes libgfortran, libgcc_s (GPL-3.0 with the GCC runtime exception) and libquadmath (LGPL-2.1);
`ai.djl.huggingface:tokenizers` holds Hugging Face's tokenizers (Apache-2.0). The offline archive adds a Java runtime,
cut from the JDK that wrote the archive, with its licence files in `jre/legal`.
