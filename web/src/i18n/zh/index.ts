import type { Texts } from "../en";
import { account } from "./account";
import { admin } from "./admin";
import { chat } from "./chat";
import { common } from "./common";
import { errors } from "./errors";
import { fields } from "./fields";
import { files } from "./files";
import { keys } from "./keys";
import { notes } from "./notes";
import { personas } from "./personas";
import { search } from "./search";
import { shares } from "./shares";
import { sidebar } from "./sidebar";
import { transfer } from "./transfer";
import { usage } from "./usage";
import { welcome } from "./welcome";

export const zh: Texts = {
  account,
  admin,
  chat,
  common,
  errors,
  fields,
  files,
  keys,
  notes,
  personas,
  search,
  shares,
  sidebar,
  transfer,
  usage,
  welcome,
};
