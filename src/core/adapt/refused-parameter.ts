/**
 * Parameters that some targets refuse and that a request can do without or say otherwise. What else a request asks for (`stop`, `tools`,
 * `response_format`, `n`, `seed`) is never among them: an answer without it would be an answer to something else.
 *
 * `temperature_unless_1` and `top_p_unless_1`: any value but the default is refused. `top_p_beside_temperature`: both at once are refused, each alone is
 * accepted.
 * @public
 */
export type RefusedParameter =
  | 'temperature'
  | 'temperature_unless_1'
  | 'top_p'
  | 'top_p_unless_1'
  | 'top_p_beside_temperature'
  | 'top_k'
  | 'presence_penalty'
  | 'frequency_penalty'
  | 'logit_bias'
  | 'logprobs'
  | 'top_logprobs'
  | 'max_tokens'
  | 'max_completion_tokens';
