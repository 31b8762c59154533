import type { transfer as en } from "../en/transfer";

export const transfer: typeof en = {
  export: "导出",
  exportHint: "把你的所有对话导出为一个文件，包括已归档的。",
  exportChat: "导出对话",
  format: "格式",
  formats: {
    json: "JSON：完整",
    csv: "CSV：用于表格",
    markdown: "Markdown：便于阅读",
  },
  formatHints: {
    json: "包含所有内容和所有版本，可以再导入 Parley。",
    csv: "每条消息一行。",
    markdown: "对话中显示的内容，纯文本。",
  },
  from: "活跃时间从",
  to: "到",
  daysHint: "以最后一条消息为准，留空则为全部。",
  more: "包括笔记和角色",
  gzip: "压缩",
  gzipHint: "文件小得多，阅读前需要解压。",
  download: "下载",
  soFar: (size) => `已下载 ${size}`,
  downloaded: "文件已完整下载。",
};
