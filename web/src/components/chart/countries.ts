// Names of countries as the enrichment and other sources write them, and places for those
// that a small map leaves out.

/** What the map calls a country that others call differently, in lower case. */
const alias: Record<string, string> = {
  'united states': 'united states of america', usa: 'united states of america', 'u.s.': 'united states of america', uk: 'united kingdom', 'great britain': 'united kingdom',
  'russian federation': 'russia', 'korea, republic of': 'south korea', 'republic of korea': 'south korea', "korea, democratic people's republic of": 'north korea',
  'czech republic': 'czechia', 'viet nam': 'vietnam', 'iran, islamic republic of': 'iran', 'syrian arab republic': 'syria', 'türkiye': 'turkey', turkiye: 'turkey',
  'moldova, republic of': 'moldova', 'republic of moldova': 'moldova', "lao people's democratic republic": 'laos', 'taiwan, province of china': 'taiwan', 'the netherlands': 'netherlands',
  'tanzania, united republic of': 'tanzania', 'bolivia, plurinational state of': 'bolivia', 'venezuela, bolivarian republic of': 'venezuela', 'brunei darussalam': 'brunei',
  'bosnia and herzegovina': 'bosnia and herz.', 'bosnia & herzegovina': 'bosnia and herz.', 'dominican republic': 'dominican rep.', 'north macedonia': 'macedonia', 'myanmar (burma)': 'myanmar',
  'democratic republic of the congo': 'dem. rep. congo', 'congo - kinshasa': 'dem. rep. congo', 'republic of the congo': 'congo', 'congo - brazzaville': 'congo', 'central african republic': 'central african rep.',
  'equatorial guinea': 'eq. guinea', 'south sudan': 's. sudan', 'western sahara': 'w. sahara', 'ivory coast': "côte d'ivoire", 'côte d’ivoire': "côte d'ivoire", 'solomon islands': 'solomon is.', 'falkland islands': 'falkland is.',
  eswatini: 'eswatini', swaziland: 'eswatini', palestine: 'palestine', 'palestinian territories': 'palestine', 'east timor': 'timor-leste',
};

/** Longitude and latitude. */
const small: Record<string, [number, number]> = {
  singapore: [103.8, 1.35], 'hong kong': [114.17, 22.3], 'hong kong sar china': [114.17, 22.3], macao: [113.55, 22.2], malta: [14.4, 35.9], bahrain: [50.55, 26.05], mauritius: [57.55, -20.3], seychelles: [55.45, -4.65],
  maldives: [73.5, 3.2], monaco: [7.42, 43.73], liechtenstein: [9.55, 47.15], andorra: [1.55, 42.55], 'san marino': [12.45, 43.94], barbados: [-59.55, 13.2], gibraltar: [-5.35, 36.14],
  guernsey: [-2.58, 49.45], jersey: [-2.1, 49.2], 'isle of man': [-4.55, 54.2], bermuda: [-64.75, 32.3], 'cayman islands': [-81.2, 19.3], 'virgin islands, british': [-64.6, 18.4], 'british virgin islands': [-64.6, 18.4],
  samoa: [-172.1, -13.75], tonga: [-175.2, -21.2], 'cabo verde': [-23.6, 15.1], 'cape verde': [-23.6, 15.1], comoros: [43.3, -11.7], guam: [144.8, 13.45], grenada: [-61.7, 12.1],
};

let names: Intl.DisplayNames | undefined;

/** key turns a name, or a code of two letters, into what the map is searched for. */
export function key(country: string): string {
  let name = country.trim();
  if (/^[A-Za-z]{2}$/.test(name)) {
    try {
      names ??= new Intl.DisplayNames(['en'], { type: 'region' });
      name = names.of(name.toUpperCase()) ?? name;
    } catch {
      // no code: it stays as it is
    }
  }
  name = name.toLowerCase();
  return alias[name] ?? name;
}

export const place = (key: string): [number, number] | undefined => small[key];
