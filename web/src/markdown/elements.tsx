import type { Token } from "markdown-it";
import { createElement, Fragment, memo, type ReactNode } from "react";
import { CodeBlock } from "./code-block";
import { Heading } from "./heading";
import styles from "./markdown.module.css";
import { Maths } from "./maths";
import type { MathsMeta } from "./maths-rules";
import type { Block } from "./parser";
import { Table } from "./table";
import { ImageLink, WebLink } from "./web-link";

/** One block of a text. It is drawn anew only when it is another one. */
export const BlockView = memo(function BlockView({ block }: { block: Block }) {
  return new Builder(block).all();
});

const CONTAINERS = new Set(["p", "ul", "li", "blockquote", "thead", "tbody", "tr"]);
const INLINE = new Set(["strong", "em", "s"]);
const TASK = /^\[([ xX])\](?:\s|$)/;

/** Makes elements of tokens. No text of it is ever read as HTML. */
class Builder {
  private at = 0;
  private links = 0;
  private readonly block: Block;
  private tokens: Token[];

  constructor(block: Block) {
    this.block = block;
    this.tokens = block.tokens;
  }

  all(): ReactNode[] {
    const nodes: ReactNode[] = [];
    while (this.at < this.tokens.length) {
      const token = this.tokens[this.at++] as Token;
      if (token.nesting === -1) break;
      nodes.push(<Fragment key={nodes.length}>{this.node(token)}</Fragment>);
    }
    return nodes;
  }

  private node(token: Token): ReactNode {
    if (token.nesting === 1) return this.container(token);
    switch (token.type) {
      case "inline":
        return this.inline(token.children ?? []);
      case "text":
      case "text_special":
        return token.content;
      case "softbreak":
      case "hardbreak":
        return <br />;
      case "code_inline":
        return <code className={styles.code}>{token.content}</code>;
      case "fence":
        return this.fence(token);
      case "code_block":
        return <CodeBlock code={trimmed(token.content)} language="" open={false} />;
      case "maths_inline":
      case "maths_block":
        return <Maths source={token.content} markup={token.markup} {...mathsMeta(token)} />;
      case "image":
        return this.image(token);
      case "hr":
        return <hr />;
      default:
        return <p className={styles.plain}>{token.content}</p>;
    }
  }

  private container(token: Token): ReactNode {
    const { tag } = token;
    if (tag === "a") {
      this.links++;
      const children = this.all();
      this.links--;
      return <WebLink href={String(token.attrGet("href") ?? "")}>{children}</WebLink>;
    }
    if (tag === "li" && token.type === "list_item_open") return this.item();
    const children = this.all();
    if (token.hidden) return children;
    if (tag === "table") {
      return <Table source={this.lines(token)}>{children}</Table>;
    }
    if (tag === "ol") return <ol start={Number(token.attrGet("start") ?? 1)}>{children}</ol>;
    if (tag === "th" || tag === "td") return createElement(tag, aligned(token), children);
    if (token.type === "heading_open") return <Heading tag={tag}>{children}</Heading>;
    if (CONTAINERS.has(tag) || INLINE.has(tag)) return createElement(tag, null, children);
    return children;
  }

  private inline(children: Token[]): ReactNode[] {
    const outer = { tokens: this.tokens, at: this.at };
    this.tokens = children;
    this.at = 0;
    const nodes = this.all();
    this.tokens = outer.tokens;
    this.at = outer.at;
    return nodes;
  }

  private item(): ReactNode {
    const text = this.tokens[this.at + 1]?.children?.[0];
    const task = text?.type === "text" ? TASK.exec(text.content) : null;
    if (text === undefined || task === null) return <li>{this.all()}</li>;
    const { content } = text;
    const label = content.slice(task[0].length);
    text.content = label;
    const children = this.all();
    // The tokens are drawn again with their block.
    text.content = content;
    return (
      <li className={styles.task}>
        <input type="checkbox" checked={task[1] !== " "} disabled readOnly aria-label={label} />
        <div>{children}</div>
      </li>
    );
  }

  private fence(token: Token): ReactNode {
    const language = token.info.trim().split(/[\s{:,]/, 1)[0] ?? "";
    const open = token.meta?.open === true;
    return <CodeBlock code={trimmed(token.content)} language={language} open={open} />;
  }

  private image(token: Token): ReactNode {
    const address = String(token.attrGet("src") ?? "");
    if (this.links > 0) return token.content;
    return <ImageLink href={address} text={token.content} />;
  }

  /** The lines of the source that a token is of. */
  private lines(token: Token): string {
    const [begin, end] = token.map ?? [0, 0];
    const { source, line } = this.block;
    return source
      .split("\n")
      .slice(begin - line, end - line)
      .join("\n");
  }
}

function trimmed(code: string): string {
  return code.endsWith("\n") ? code.slice(0, -1) : code;
}

function mathsMeta(token: Token): MathsMeta {
  return token.meta as unknown as MathsMeta;
}

function aligned(token: Token): { style?: { textAlign: "left" | "center" | "right" } } {
  const found = /text-align:\s*(left|center|right)/.exec(String(token.attrGet("style") ?? ""));
  return found ? { style: { textAlign: found[1] as "left" | "center" | "right" } } : {};
}
