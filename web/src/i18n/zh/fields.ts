import type { fields as en } from "../en/fields";

export const fields: typeof en = {
  REQUIRED: () => "请填写。",
  OTHER: () => "此内容不被接受。",
};
