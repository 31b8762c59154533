import type { files as en } from "../en/files";

/** 提问所附的文件。 */
export const files: typeof en = {
  attach: "添加文件",
  attached: "所附文件",
  limits: (maximum) => `图片、PDF 和文本文件，每个最大 ${maximum}`,
  drop: "松开即可添加文件",
  tooLarge: (most) => `文件太大，最大 ${most}。`,
  tooMany: (most) => `一个问题最多附 ${most} 个文件。`,
  isLong: "这段文字较长，可以改为文件附上。",
  asFile: "作为文件附上",
  pasted: "粘贴的文字.txt",
  waitForFiles: "文件还在发送，或未被接受。请稍候，或将其移除。",
  sending: (percent) => `正在发送，${percent}%`,
  cancel: (name) => `取消 ${name}`,
  remove: (name) => `移除 ${name}`,
  again: (name) => `重新发送 ${name}`,
  open: (name) => `打开 ${name}`,
  download: (name) => `下载 ${name}`,
  save: "下载",
  deleted: "已被删除",
  gone: "搁置过久，文件已失效。请移除后重新选择。",
  notLoaded: "未能加载",
  given: (name, characters, of) => `${name}：${of} 个字符中的 ${characters} 个`,
  shown: (name) => `${name}：以图片展示`,
  notGiven: (name, why) => `未提供 ${name}：${why}`,
  causes: {
    DAMAGED: "文件已损坏或不完整。",
    LOCKED: "文件有密码保护，请发送没有密码的文件。",
    TOO_COMPLEX: "读取此文件耗时过长。",
  },
  whyNot: {
    DELETED: "已被删除",
    NO_ROOM: "放不下",
    NOT_SEEN: "该模型不支持图片",
    NO_TEXT: "没有能读出的文字",
  },
};
