import type { errors as en } from "../en/errors";

export const errors: typeof en = {
  UNKNOWN: "出了点问题，请重试。",
  OFFLINE: "无法连接 Parley，请检查网络。",
};
