// Renders the conversations of conversations.json with npm @huggingface/jinja and says where it differs from jinja2.
//   npm install @huggingface/jinja@0.5.11
//   node conversations.mjs NODE_MODULES CONVERSATIONS.json < TEMPLATES.json   ({"name": "template text"}; conversations.py calls it)
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

const [nodeModules, file] = process.argv.slice(2);
const { Template } = createRequire(resolve(nodeModules, "x.js"))("@huggingface/jinja");
const fixture = JSON.parse(readFileSync(file, "utf8"));
const texts = JSON.parse(readFileSync(0, "utf8"));
let same = 0;
const different = [];
for (const [name, { special, rendered }] of Object.entries(fixture.templates)) {
    for (const [title, expected] of Object.entries(rendered)) {
        for (const [kind, prompt] of [["plain", false], ["prompt", true]]) {
            let text = null;
            try {
                const { messages, tools = null, ...options } = fixture.conversations[title];
                text = new Template(texts[name]).render({ messages, tools, documents: null, add_generation_prompt: prompt, ...special, ...options });
            } catch {
                // null, as in the fixture: refused
            }
            if (text === expected[kind]) same++;
            else different.push(`${name} / ${title} / ${kind}`);
        }
    }
}
console.log(`@huggingface/jinja: ${same} same, ${different.length} different`);
for (const line of different) console.log(`  ${line}`);
