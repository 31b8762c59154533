import type { chat as en } from "../en/chat";

export const chat: typeof en = {
  copyCode: "复制代码",
  copyMarkdown: "复制为 Markdown",
  copyTable: "复制表格",
  foldLines: "收起",
  image: (text, host) => `图片：${text || "无描述"}（${host}）`,
  notCopied: "浏览器不允许复制。",
  showLines: (lines) => `显示全部 ${lines} 行`,
  table: "表格",
  wrapLines: "自动换行",
};
