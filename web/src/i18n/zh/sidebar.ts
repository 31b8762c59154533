import type { sidebar as en } from "../en/sidebar";

export const sidebar: typeof en = {};
