"""The words by which model servers tell what is wrong, in the languages that they speak."""

import re


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


CONTEXT = _words(
    r"context_length|context.length.exceed|context_window|exceed_context|string_above_max_length",
    r"maximum context|context (?:length|size|window)|(?:prompt|input|request|conversation) (?:is )?too long",
    r"too many (?:input |prompt )?tokens|reduce the length|max_model_len|\bn_ctx\b|range of input length",
    r"input (?:tokens? )?(?:length|count)?[^.]{0,40} exceeds?|exceeds? the (?:maximum|max)[^.]{0,30}tokens",
    r"maximum prompt length|must have (?:less|fewer) than [0-9,]+ tokens|exceed(?:s|ed)? (?:the )?model token limit",
    r"context.?window|max_num_tokens|max_seq_len|prompt_tokens_exceeded|physical batch size",
    r"\bmax(?:imum)? length of (?:the )?(?:current )?(?:question|prompt|input)",
    r"must be <= [0-9]+\. given: [0-9]+ `inputs` tokens|max input characters|too many total text bytes",
    r"(?:prompt|inputs?|messages?|request) (?:(?!rate)\w+ ){0,3}(?:exceed|too long|more than (?:the )?max)",
    r"(?:prompt|input|sequence|token)[^.]{0,40} length[^.]{0,30} exceed|input_tokens[^.]{0,20} must be less",
    r"prompt has [0-9,]+ tokens|only supports [0-9,]+ tokens",
    r"上下文(?:长度|过长)|超过.{0,10}最大.{0,6}长度|超长|输入.{0,12}(?:长度|数量|过长).{0,6}(?:超|过)",
    r"kontext(?:fenster|länge)|(?:prompt|eingabe|anfrage) (?:ist )?zu lang|longueur du contexte|長すぎ|너무 깁",
)
QUOTA = _words(
    r"insufficient[_ ](?:user_)?(?:quota|balance|credit|fund)|exceeded your current quota|quota[_ ]exceeded",
    r"exceeded_current_quota",
    r"billing|payment required|credit balance|(?:out of|insufficient|no|more|not enough) credits?\b",
    r"budget[_ ](?:has been )?exceeded|exceeded ?budget|balance (?:is )?(?:insufficient|not enough|too low)",
    r"(?:reached|exceeded) your [^.]{0,40}usage limit|arrearage|insufficient account balance|余额|欠费|额度",
    r"credits? required|(?:doesn.t|does not) have any credits|key limit exceeded|free tier[^.]{0,30}exhausted",
    r"(?:spending|monthly|total) limit|(?:quota|budget|balance|credits?)[^.]{0,20} (?:exhausted|used up|is 0)",
    r"calls / month|subscription (?:has )?(?:expired|ended)",
)
RATE = _words(
    r"rate[_ -]?limit|too many requests|throttl|resource_exhausted|requests per (?:minute|day|second)",
    r"tokens per (?:minute|day)|concurrency|request limit reached|限流|速率|频率|请求过|并发",
    r"allocated quota exceeded|qps.?over|token limit$",
)
OVERLOADED = _words(
    r"overloaded|too busy|over capacity|at capacity|server[_ ]busy|service[_ ]unavailable|currently loading",
    r"loading model|insufficient_system_resource|no (?:available|healthy) (?:server|upstream|endpoint|instance)",
    r"no (?:healthy )?deployments? available|capacity[_ ]exceeded|exceeded[_ ]capacity|no capacity|capacity temporarily",
    r"(?:server|system|model) is (?:currently |too )?busy|no instances? available|temporarily unavailable",
    r"waiting in (?:the )?queue|queue is full|not ready for inference|繁忙|过载|负载.{0,4}饱和|访问量过大",
)
CONTENT = _words(
    r"content[_ ]?(?:filter|policy|management)|responsibleaipolicy|data_?inspection|moderation",
    r"safety (?:system|reasons|settings|filter)|flagged|inappropriate content|prohibited_content",
    r"sensitive.?(?:content|words?|information)|_sensitive\b|敏感|违规|审核|content exists risk|guardrail",
    r"harmful content|usage guidelines|prompt guard|prohibited use",
)
MODEL = _words(
    r"model_not_(?:found|exist|supported)|deploymentnotfound|invalid_model|unknown_model|no such model",
    r"\bmodels?\b[^.]{0,120}(?:not found|(?:does|do) ?n[o']t exist|not exist|not available|unavailable)",
    r"\bmodels?\b[^.]{0,120}(?:is not (?:valid|supported|a valid)|no access|do(?:es)? not have access)",
    r"not have access to (?:the )?model|(?:invalid|unknown|unsupported|not a valid) model|no endpoints found",
    r"no healthy deployments for this model|model_access_denied",
    r"\bmodels?\b[^.]{0,120}(?:deprecated|decommissioned|discontinued|retired|no longer (?:available|supported))",
    r"does(?: not|n't) support chat|not a chat model|not work with the specified model",
    r"模型.{0,80}(?:不存在|未找到|不支持|无可用渠道)|model not exist|モデルが見つかりません|모델을 찾을 수 없",
    r"no available channel for model|\bmodels? (?:'[^']{0,80}' )?(?:is |are )?(?:not )?loaded|model\.?access",
    r"specify a model|(?:access|to) (?:\w[\w-]* )?model [^ ]+$|endpointormodel|model identifier is invalid",
    r"access to the model with the specified|on-demand throughput|reached the end of its life",
)
# New API's, of a model that nobody behind it has.
NO_CHANNEL = _words(r"无可用渠道|no available channel for model|model_not_found")
KEY = _words(
    r"(?:incorrect|invalid|missing|no|wrong|expired|bad)[_ ](?:x-)?api[_ -]?key|api key (?:not valid|expired|invalid)",
    r"unauthori[sz]ed|unauthenticated|authentication (?:fail|error)|invalid (?:token|credentials|authentication)",
    # LiteLLM's, which looks up each key but its own in a database.
    r"no_db_connection|令牌|无效的.{0,6}key|身份验证|(?:密钥|key).{0,4}无效",
    r"api key (?:was|is|has been|not found)|key (?:is|has been) (?:disabled|revoked|expired|deleted)|bad token",
    r"unregistered callers|(?:missing|no) auth\w*|authorization header|security token|request signature",
    r"login fail|access token (?:is )?(?:invalid|expired)",
)
FORBIDDEN = _words(
    r"permission[_ ]denied|forbidden|unsupported_country|not (?:allowed|permitted)|no permission"
)
# Of a model that is there and does not run.
NOT_LOADED = _words(
    r"^(?:error: )?failed to load model|^model (?:was )?unloaded|model has crashed|out of memory"
)
# OpenAI's, where the model has thought until there was no token left.
NO_TOKENS_LEFT = re.compile(r"could not finish the message because max_tokens", re.IGNORECASE)
PARAMETER = _words(
    r"unsupported[_ ](?:parameter|value)|unknown[_ ](?:parameter|field|name|argument)|unrecognized",
    r"unexpected keyword|extra (?:inputs|fields)|not permitted|invalid[_ ](?:parameter|value|type)",
    r"(?:temperature|max_(?:completion_)?tokens|top_p|stop|stream_options|reasoning_effort)\b",
    r"must be (?:less|greater|between|at (?:most|least))|(?:does not|n't) support (?:the )?(?:parameter|'|`|\")",
    r"参数",
)
PARAMETER_NAMES = _words(
    r"\b(?:max_completion_tokens|max_output_tokens|max_new_tokens|max_tokens|temperature|top_p|top_k|stop)\b",
    r"\b(?:stream_options|reasoning_effort|presence_penalty|frequency_penalty|stream|seed|n)\b(?=['\"`])",
)
