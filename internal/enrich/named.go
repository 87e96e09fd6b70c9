package enrich

import (
	"strings"

	"github.com/oschwald/maxminddb-golang/v2/mmdbdata"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// named is a place: a map with names by language and a code in MaxMind's
// databases, plain text in flat ones.
type named struct {
	Code    string
	English string
}

func (n *named) name() string { return n.English }

// UnmarshalMaxMindDB implements mmdbdata.Unmarshaler, since the same key holds
// a map in one layout and a text in another.
func (n *named) UnmarshalMaxMindDB(d *mmdbdata.Decoder) error {
	kind, err := d.PeekKind()
	if err != nil {
		return err
	}
	switch kind {
	case mmdbdata.KindString:
		n.English, err = d.ReadString()
		return err
	case mmdbdata.KindMap:
		return n.readMap(d)
	}
	return d.SkipValue()
}

func (n *named) readMap(d *mmdbdata.Decoder) error {
	members, _, err := d.ReadMap()
	if err != nil {
		return err
	}
	for key, err := range members {
		if err != nil {
			return err
		}
		switch string(key) {
		case "iso_code", "code":
			n.Code, err = d.ReadString()
		case "names":
			err = n.readNames(d)
		default:
			err = d.SkipValue()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (n *named) readNames(d *mmdbdata.Decoder) error {
	members, _, err := d.ReadMap()
	if err != nil {
		return err
	}
	for key, err := range members {
		if err != nil {
			return err
		}
		if string(key) == "en" {
			n.English, err = d.ReadString()
		} else {
			err = d.SkipValue()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// own are the names that MaxMind writes otherwise than Unicode's tables.
var own = map[string]string{
	"HK": "Hong Kong", "MO": "Macao", "MM": "Myanmar", "CD": "DR Congo", "CG": "Congo Republic", "CI": "Ivory Coast",
	"PS": "Palestine", "TR": "Türkiye", "BN": "Brunei", "NL": "The Netherlands", "CV": "Cabo Verde", "SZ": "Eswatini",
	"TL": "Timor-Leste", "XK": "Kosovo", "VA": "Vatican City", "FM": "Federated States of Micronesia", "AX": "Åland Islands",
	"BQ": "Bonaire, Sint Eustatius, and Saba", "BL": "Saint Barthélemy", "MF": "Saint Martin", "KN": "St Kitts and Nevis",
	"LC": "Saint Lucia", "VC": "St Vincent and Grenadines", "PM": "Saint Pierre and Miquelon", "SH": "Saint Helena", "ST": "São Tomé and Príncipe",
	"BA": "Bosnia and Herzegovina", "AG": "Antigua and Barbuda", "TT": "Trinidad and Tobago", "TC": "Turks and Caicos Islands", "WF": "Wallis and Futuna",
	"GS": "South Georgia and the South Sandwich Islands", "SJ": "Svalbard and Jan Mayen", "CC": "Cocos (Keeling) Islands", "BS": "Bahamas", "GM": "Gambia",
}

var regions = display.English.Regions()

// countryName returns the English name of an ISO code, "" for none.
func countryName(code string) string {
	code = strings.ToUpper(code)
	if n := own[code]; n != "" {
		return n
	}
	if len(code) != 2 {
		return ""
	}
	r, err := language.ParseRegion(code)
	if err != nil {
		return ""
	}
	return regions.Name(r)
}

// continents by the UN's groupings, for databases that do not say it.
var continents = map[string]language.Region{
	"Africa": language.MustParseRegion("002"), "Asia": language.MustParseRegion("142"), "Europe": language.MustParseRegion("150"),
	"North America": language.MustParseRegion("003"), "South America": language.MustParseRegion("005"), "Oceania": language.MustParseRegion("009"),
}

func continentName(code string) string {
	r, err := language.ParseRegion(code)
	if err != nil || code == "" {
		return ""
	}
	for name, c := range continents {
		if c.Contains(r) {
			return name
		}
	}
	return ""
}
