import type { Token } from "markdown-it";
import { createElement, type ReactNode } from "react";
import { CodeBlock } from "./code-block";
import type { MarkMeta } from "./footnote-rules";
import { noteOf } from "./footnote-rules";
import { Note, NoteMark } from "./footnotes";
import { Heading } from "./heading";
import styles from "./markdown.module.css";
import { Maths } from "./maths";
import type { MathsMeta } from "./maths-rules";
import type { Block } from "./parser";
import { Table } from "./table";
import { ImageLink, WebLink } from "./web-link";

/** One block of a text. */
export function BlockView({ block }: { block: Block }) {
  return new Builder(block).all();
}

const CONTAINERS = new Set(["p", "li", "thead", "tbody", "tr"]);
// What has marks at the side where its lines begin.
const SIDED = new Set(["ul", "blockquote"]);
const INLINE = new Set(["strong", "em", "s"]);
const TASK = /^\[([ xX])\](?:\s|$)/;

/**
 * Makes elements of tokens. No text of it is ever read as HTML.
 *
 * The elements of one parent are in one list, keyed by their places in it, and text among them is a
 * string: what is drawn many times a second has no layers that it does not need. A lone string is in
 * a list, too: React would take the node of one that is not away as soon as something follows it.
 */
class Builder {
  private at = 0;
  private links = 0;
  private readonly block: Block;
  private tokens: Token[];

  constructor(block: Block) {
    this.block = block;
    this.tokens = block.tokens;
  }

  /** The nodes up to the end of the container that is open, behind those that are in `nodes`. */
  all(nodes: ReactNode[] = []): ReactNode[] {
    while (this.at < this.tokens.length) {
      const token = this.tokens[this.at++] as Token;
      if (token.nesting === -1) break;
      if (token.type === "inline") this.inline(token.children ?? [], nodes);
      else if (token.nesting === 1 && token.hidden) this.all(nodes);
      else nodes.push(this.node(token, nodes.length));
    }
    return nodes;
  }

  private node(token: Token, key: number): ReactNode {
    if (token.nesting === 1) return this.container(token, key);
    switch (token.type) {
      case "text":
      case "text_special":
        return token.content;
      case "softbreak":
      case "hardbreak":
        return <br key={key} />;
      case "code_inline":
        return (
          <code key={key} className={styles.code}>
            {token.content}
          </code>
        );
      case "fence":
        return this.fence(token, key);
      case "code_block":
        return <CodeBlock key={key} code={trimmed(token.content)} language="" open={false} />;
      case "maths_inline":
      case "maths_block":
        return (
          <Maths key={key} source={token.content} markup={token.markup} {...mathsMeta(token)} />
        );
      case "footnote_mark":
        return (
          <NoteMark key={key} label={token.content} {...(token.meta as unknown as MarkMeta)} />
        );
      case "image":
        return this.image(token, key);
      case "hr":
        return <hr key={key} />;
      default:
        return (
          <p key={key} className={styles.plain}>
            {token.content}
          </p>
        );
    }
  }

  private container(token: Token, key: number): ReactNode {
    const { tag } = token;
    if (tag === "a") {
      this.links++;
      const children = this.all();
      this.links--;
      return (
        <WebLink key={key} href={String(token.attrGet("href") ?? "")}>
          {children}
        </WebLink>
      );
    }
    if (tag === "li" && token.type === "list_item_open") return this.item(key);
    const children = this.all();
    const note = noteOf([token]);
    if (note !== undefined) {
      return (
        <Note key={key} {...note}>
          {children}
        </Note>
      );
    }
    if (tag === "table") {
      return (
        <Table key={key} source={this.lines(token)}>
          {children}
        </Table>
      );
    }
    if (tag === "ol") {
      return (
        <ol key={key} dir="auto" start={Number(token.attrGet("start") ?? 1)}>
          {children}
        </ol>
      );
    }
    if (tag === "th" || tag === "td")
      return createElement(tag, { key, ...aligned(token) }, children);
    if (token.type === "heading_open") {
      return (
        <Heading key={key} tag={tag}>
          {children}
        </Heading>
      );
    }
    if (SIDED.has(tag)) return createElement(tag, { key, dir: "auto" }, children);
    if (CONTAINERS.has(tag) || INLINE.has(tag)) return createElement(tag, { key }, children);
    return children;
  }

  private inline(children: Token[], nodes: ReactNode[]): void {
    const outer = { tokens: this.tokens, at: this.at };
    this.tokens = children;
    this.at = 0;
    this.all(nodes);
    this.tokens = outer.tokens;
    this.at = outer.at;
  }

  private item(key: number): ReactNode {
    const text = this.tokens[this.at + 1]?.children?.[0];
    const task = text?.type === "text" ? TASK.exec(text.content) : null;
    if (text === undefined || task === null) return <li key={key}>{this.all()}</li>;
    const { content } = text;
    const label = content.slice(task[0].length);
    text.content = label;
    const children = this.all();
    // The tokens are drawn again with their block.
    text.content = content;
    return (
      <li key={key} className={styles.task}>
        <input type="checkbox" checked={task[1] !== " "} disabled readOnly aria-label={label} />
        <div>{children}</div>
      </li>
    );
  }

  private fence(token: Token, key: number): ReactNode {
    const language = token.info.trim().split(/[\s{:,]/, 1)[0] ?? "";
    const open = token.meta?.open === true;
    return <CodeBlock key={key} code={trimmed(token.content)} language={language} open={open} />;
  }

  private image(token: Token, key: number): ReactNode {
    const address = String(token.attrGet("src") ?? "");
    if (this.links > 0) return token.content;
    return <ImageLink key={key} href={address} text={token.content} />;
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
