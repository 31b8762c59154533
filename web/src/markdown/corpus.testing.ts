/** Texts as models write them: what streaming, and what drawing, must get right. */
export const ANSWERS: Record<string, string> = {
  mixed: `# A title

Some **bold**, *slanted*, ~~struck~~ and \`code\` words, a [link](https://example.org/a_b) and https://example.com/x.

Setext
------

1. one
2. two
   - nested **item**
   - [x] done

     a paragraph of it
3. three

> A quote
> of two lines
goes on lazily

\`\`\`python
def f(a):
    return a * 2  # - not an item

print(f(2))
\`\`\`

| a | b |
|---|:-:|
| 1 | **2** |
| \`x\` | y |

***

A formula $x_1^2$ and \\(y\\), then

$$
\\int_0^1 x\\,dx

= 1/2
$$

\\[ a = b \\]

The end: 2 * 3 * 4 = 24.`,
  references: `See [the text][a] and [a].

- one
- two [b][]

[a]: https://example.org/a "A"
[b]: https://example.org/b

Behind them.`,
  footnotes: `Tea[^1] and water[^why][^1], none[^9], \`[^1]\`, [^a-z].

- of a list[^2]
[^1]: With **words**, https://example.org/a
and on

      code of it

    - and a list[^why]

Between.[^late]

> A quote[^2]
[^2]: Two.
[^1]: Once more.
[^why]: |a|b|
    |-|-|
    |1|2|

[^unused]: Of nothing.
[^late]:
    Later.`,
  paragraphsThatTurn: `para
#hashtag goes on
***bold*** goes on
1) is no list here

text
- item

    indented

text
===
a | b
-|-
1 | 2
+ plus
\`\`
not a fence
\`\`\`\`\`\`
a fence
\`\`\`
still
\`\`\`\`\`\`
done`,
  chinese: `## 总结

**注意。**这里很重要，请看**《红楼梦》**一书。第一步：打开https://example.com/a这个网站。

1. **第一，**先做这个
2. 然后*强调*一下

价格是$5，不是$6；公式$E=mc^2$成立。

| 名称 | 值 |
|:--|--:|
| 甲 | 1 |`,
  nested: `> > - a
> >   1. b
> >
> >      \`\`\`js
> >      let x = 1;
> >      \`\`\`
> > - c
>
> d

- x

  | h |
  |---|
  | c |

  $$
  y
  $$
- z`,
  unfinished: `An answer that was cut in **the middle of

\`\`\`ts
const a = [`,
  windows: "a\r\nb\r\n\r\n- c\r\n- d\r\n\r\n```\r\ncode\r\n```\r\n",
};

const times = (text: string, count: number) => text.repeat(count);

/** What hangs or overflows other renderers. */
export const HOSTILE: Record<string, string> = {
  brackets: times("[", 10_000),
  closedBrackets: times("a]", 10_000),
  linkOpenings: times("[a](", 5_000),
  imageOpenings: times("![", 10_000),
  links: times("[a](b", 4_000),
  references: times("[a][", 5_000),
  nestedLinks: `${times("[", 5_000)}a${times("](b)", 5_000)}`,
  definitions: times("[a]:\n", 4_000),
  stars: times("*", 20_000),
  starWords: times("*a ", 6_000),
  starUnderscore: times("*a_ ", 5_000),
  emphasis: times("*a **a ", 3_000),
  closedEmphasis: `${times("**a *a ", 1_400)}${times("b* b**", 1_400)}`,
  underscores: times("_a ", 6_000),
  tildes: times("~~a ", 5_000),
  backticks: Array.from({ length: 190 }, (_, i) => times("`", i + 1)).join(" "),
  openBackticks: times("`a", 10_000),
  quotes: times("> ", 10_000),
  quotesOnLines: times(">".repeat(20).concat("\n"), 1_000),
  lists: Array.from({ length: 190 }, (_, i) => `${times("  ", i)}- a\n`).join(""),
  listMarkers: times("- ", 10_000),
  numbers: times("1. ", 6_000),
  noteOpenings: times("[^", 10_000),
  noteMarks: `${times("[^1]", 4_000)}\n\n[^1]: a`,
  noteParagraphs: `${times("[^1]\n\n", 2_500)}[^1]: a`,
  notes: Array.from({ length: 1_500 }, (_, i) => `a[^n${i}]\n\n[^n${i}]: b`).join("\n\n"),
  notesInNotes: times("[^1]: ", 4_000),
  notesOfOneLabel: times("[^1]: [^1]\n", 2_000),
  notesInQuotes: times("> [^1]: a\n", 2_000),
  tables: `${times("|a", 5_000)}|\n${times("|-", 5_000)}|\n`,
  tableRows: `|a|\n|-|\n${times("|", 18_000)}`,
  dollars: times("$a ", 6_000),
  dollarPairs: times("$$a ", 5_000),
  dollarLines: times("$$ a\n", 4_000),
  mathsOpenings: times("\\(", 10_000),
  addresses: times("http://", 3_000),
  entities: times("&amp", 5_000),
  angles: times("<a ", 6_000),
  chinese: times("**啊。", 4_000),
  backslashes: times("\\", 20_000),
};

/** Lines with what is maths in them, in order; none in most. */
export const MATHS: [line: string, ...formulas: string[]][] = [
  ["It costs $5."],
  ["From $5 to $10."],
  ["$5 and 10$ today"],
  ["**$1.50** each"],
  ["It is \\$0.60 and \\$0.70."],
  ["US$100 or HK$200"],
  ["$100（HK$）"],
  ["$1,000 (about $900)"],
  ["$5-$10 a month"],
  ["between $20k and $30k"],
  ["echo $HOME/bin:$PATH"],
  ["$USER and $HOME"],
  ["`$x$` is code"],
  ["``a $b$`` $c"],
  ["foo$bar$baz"],
  ["$ x $ has spaces"],
  ["a $x\ny$ b"],
  ["$$"],
  ["$"],
  ["cost: 5$ or 6$"],
  ["$x$", "x"],
  ["$x_1$ and $y_2$", "x_1", "y_2"],
  ["the $n$th of $k$", "n", "k"],
  ["设$x>0$，则$y=2$。", "x>0", "y=2"],
  ["($a+b$)", "a+b"],
  ["**$a_b$**", "a_b"],
  ["$\\$5$", "\\$5"],
  ["$10$ apples", "10"],
  ["$2x + 3 = 7$", "2x + 3 = 7"],
  ["$5 \\times 3$", "5 \\times 3"],
  ["$f(x) = *a* _b_$", "f(x) = *a* _b_"],
  ["\\(x\\)", "x"],
  ["\\(a_1 \\* b_2\\) and \\(c\\)", "a_1 \\* b_2", "c"],
  ["\\[x = 1\\]", "x = 1"],
  ["so \\[x\\] then", "x"],
  ["$$x$$", "x"],
  ["so $$x$$ then", "x"],
  ["$$\nx\n\ny\n$$", "x\n\ny"],
  ["$$ a\n= b $$", "a\n= b"],
  ["\\begin{aligned*}"],
  ["\\begin{align}\na &= b\n\\end{align}", "\\begin{align}\na &= b\n\\end{align}"],
  ["- item\n  $$\n  z\n  $$", "z"],
  ["> \\[\n> q\n> \\]", "q"],
  ["\\\\(not\\\\)"],
];
