// Lower case, straight apostrophes. Ours: how current models word refusals. None of them begins any of the ordinary answers among recorded replies.

/** What English models say that they will not do. */
const REFUSED_VERBS: readonly string[] = [
  'assist',
  'help',
  'provide',
  'comply',
  'fulfill',
  'fulfil',
  'discuss',
  'engage',
  'participate',
  'share that',
  'share this',
  'support this',
  'support that',
  'create content',
  'generate content',
  'write content',
  'produce content',
  'continue with this',
  'answer that',
  'answer this',
  'with that',
  'with this',
  'providing',
  'helping',
  'writing',
];

function refused(opening: string): readonly string[] {
  return REFUSED_VERBS.map((verb) => `${opening}${verb}`);
}

/** Beginnings that are refusals by themselves. */
export const REFUSALS: readonly string[] = [
  ["i can't ", 'i cannot ', 'i can not ', "i won't ", 'i will not ', "i'm unable to ", 'i am unable to '].flatMap(
    refused,
  ),
  ["i'm not able to ", 'i am not able to ', "i'm not comfortable ", 'i am not comfortable '].flatMap(refused),
  [
    'i must decline',
    'i have to decline',
    'i must respectfully decline',
    'i respectfully decline',
    "i'm going to decline",
  ],
  ["i can't comply", 'i cannot comply', "i can't do that", 'i cannot do that', "i don't feel comfortable"],
  ['ich kann dir dabei nicht', 'ich kann ihnen dabei nicht', 'ich kann dabei nicht', 'ich kann diese anfrage nicht'],
  [
    'ich kann bei dieser anfrage nicht',
    'ich darf dabei nicht',
    'dabei kann ich nicht helfen',
    'dabei kann ich dir nicht',
  ],
  ['je ne peux pas vous aider', "je ne peux pas t'aider", 'je ne peux pas répondre', 'je ne peux pas fournir'],
  ['je ne suis pas en mesure', 'je ne peux pas satisfaire', 'je ne peux pas accéder à cette demande'],
  ['no puedo ayudarte', 'no puedo ayudarle', 'no puedo ayudar con', 'no puedo proporcionar', 'no puedo cumplir'],
  ['no puedo asistir', 'no puedo responder a'],
  ['non posso aiutarti', 'non posso aiutarla', 'non posso fornire', 'non posso assistere', 'non sono in grado di'],
  ['não posso ajudar', 'não posso fornecer', 'não posso atender', 'não consigo ajudar', 'não posso auxiliar'],
  ['我无法', '我不能提供', '我不能协助', '我不能帮助', '无法满足', '我無法', '我不能回答'],
  ['お手伝いできません', 'お答えできません', 'そのご要望にはお応えできません', 'その依頼にはお応えできません'],
].flat();

/** Beginnings that are refusals where an inability follows. */
export const APOLOGIES: readonly string[] = [
  [
    "i'm sorry",
    'i am sorry',
    "i'm really sorry",
    "i'm very sorry",
    'i am very sorry',
    'sorry',
    'i apologize',
    'i apologise',
  ],
  ['my apologies', 'apologies', 'unfortunately', 'regrettably', "i'm afraid", 'i am afraid'],
  ['es tut mir leid', 'tut mir leid', 'entschuldigung', 'leider', 'ich bedaure'],
  ['désolé', 'je suis désolé', 'je regrette', 'malheureusement'],
  ['lo siento', 'lo lamento', 'lamentablemente', 'desafortunadamente', 'disculpa'],
  ['mi dispiace', 'spiacente', 'purtroppo', 'sono spiacente'],
  ['desculpe', 'sinto muito', 'lamento', 'infelizmente', 'peço desculpa'],
  ['抱歉', '很抱歉', '非常抱歉', '对不起', '對不起', '不好意思'],
  ['申し訳', '恐れ入りますが', '残念ながら', 'すみません', 'ごめんなさい'],
].flat();

/** How a model speaks of itself before it says what it cannot do. */
export const SELF_NAMES: readonly string[] = [
  [
    'as an ai',
    'as a language model',
    'as a large language model',
    "i'm just an ai",
    'i am just an ai',
    "i'm an ai",
    'i am an ai',
  ],
  ['als ki', 'als eine ki', 'als künstliche intelligenz', 'als sprachmodell'],
  ["en tant qu'ia", "en tant qu'intelligence artificielle", 'en tant que modèle de langage'],
  [
    'como ia',
    'como una ia',
    'como modelo de lenguaje',
    'como inteligencia artificial',
    'como uma ia',
    'como modelo de linguagem',
  ],
  ['come ia', 'in quanto ia', 'come modello linguistico', "come un'ia"],
  ['作为一个ai', '作为ai', '作为一个人工智能', '作为人工智能', '身為ai', 'aiとして', '私はaiなので'],
].flat();

/** What follows an apology in a refusal. */
export const INABILITIES: readonly string[] = [
  "i can't|i cannot|i can not|i could not|i couldn't|i won't|i will not|i'm unable|i am unable|i'm not able|i am not able".split(
    '|',
  ),
  'unable to|must decline|not able to|i do not have access|not comfortable|against my'.split('|'),
  "i don't have access|i don't have the ability|i'm not allowed|i am not allowed|i'm not permitted|can't help|can't assist".split(
    '|',
  ),
  'ich kann|kann ich|ich darf|darf ich|nicht möglich|nicht in der lage|nicht helfen'.split('|'),
  'je ne peux|je ne suis pas|pas en mesure|ne puis'.split('|'),
  'no puedo|no podré|no me es posible|no estoy en condiciones|no soy capaz'.split('|'),
  'non posso|non sono in grado|non mi è possibile'.split('|'),
  'não posso|não consigo|não sou capaz|não me é possível'.split('|'),
  '无法|不能|無法|没有办法|不便'.split('|'),
  'できません|できかねます|致しかねます|いたしかねます|お応えでき|お答えでき|出来ません'.split('|'),
].flat();
