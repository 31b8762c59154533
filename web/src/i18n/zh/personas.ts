import type { personas as en } from "../en/personas";

export const personas: typeof en = {};
