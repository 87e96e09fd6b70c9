package enrich

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Kind says what a network is used for.
type Kind string

// The kinds of networks.
const (
	KindAWS     Kind = "aws"     // Amazon's own networks, on which AWS and its customers run
	KindCloud   Kind = "cloud"   // other large cloud platforms and content networks
	KindHosting Kind = "hosting" // rented servers
	KindVPN     Kind = "vpn"     // VPN and proxy providers, and networks that mostly serve them
	KindTor     Kind = "tor"     // operators of Tor exits
	KindAccess  Kind = "access"  // where people are: internet providers, offices, universities
	KindPrivate Kind = "private" // private and reserved addresses
	KindService Kind = "service" // no address but the name of an AWS service
	KindUnknown Kind = "unknown"
)

// Kinds are all kinds.
var Kinds = []Kind{KindAWS, KindCloud, KindHosting, KindVPN, KindTor, KindAccess, KindPrivate, KindService, KindUnknown}

// Known reports whether there is such a kind.
func (k Kind) Known() bool { return slices.Contains(Kinds, k) }

func kindList() string {
	var b strings.Builder
	for i, k := range Kinds {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(k))
	}
	return b.String()
}

// curatedText is kept by hand: networks whose names do not tell their kind, or tell a
// wrong one, and the large ones.
//
//go:embed networkdata/kinds.csv
var curatedText string

// curated are the kinds by AS number.
var curated = sync.OnceValue(func() map[uint32]Kind {
	out, err := readKinds(curatedText)
	if err != nil {
		panic("enrich: networkdata/kinds.csv: " + err.Error()) // a test reads it, too
	}
	return out
})

func readKinds(text string) (map[uint32]Kind, error) {
	in := csv.NewReader(strings.NewReader(text))
	in.Comment, in.FieldsPerRecord = '#', 3
	records, err := in.ReadAll()
	if err != nil {
		return nil, err
	}
	out := make(map[uint32]Kind, len(records))
	for i, rec := range records {
		asn, err := strconv.ParseUint(rec[0], 10, 32)
		if err != nil && i == 0 {
			continue // the header
		}
		if err != nil || !Kind(rec[1]).Known() || out[uint32(asn)] != "" {
			return nil, fmt.Errorf("%q", rec)
		}
		out[uint32(asn)] = Kind(rec[1])
	}
	return out, nil
}

// CuratedDate is when the curated kinds were last reviewed, as YYYY-MM-DD.
func CuratedDate() string {
	_, after, _ := strings.Cut(curatedText, "Reviewed ")
	return after[:min(len(after), len("2026-01-02"))]
}

// byName are words in names that tell a kind, the most telling first.
var byName = []struct {
	kind  Kind
	words *regexp.Regexp
}{
	{KindVPN, regexp.MustCompile(`(?i)\bvpns?\b|\bprox(y|ies)\b|vpn(\.[a-z]+)?$`)},
	{KindTor, regexp.MustCompile(`(?i)\btor (exit|relay|network|project)|torservers`)},
	{KindHosting, regexp.MustCompile(`(?i)hosting|\bhosts?\b|\bhosted\b|hoster|webhost|\bvps\b|\bvds\b|\bservers?\b|cloud|data ?cent(er|re)s?\b|datacent(er|re|rum)|` +
		`\bcolo\b|colocation|colocrossing|dedicated|\bidc\b|rechenzentrum|hospedagem|bare ?metal`)},
	{KindAccess, regexp.MustCompile(`(?i)tele(com|kom|fon|phon|net)|broadband|\bcable|\bmobil|wireless|wi-?fi\b|\bisps?\b|internet|communica|comunica|fib(er|re|ra)\b|cellular|\bgsm\b|` +
		`provedor|banda ?larga|banda ?ancha|satellite|\bnet\b|network|connect|universit|universid|college|\bschools?\b|institut|\bacadem`)},
}

// kindOf says what a network is used for: as curated, or else by its name.
func kindOf(asn uint32, name string) Kind {
	if k, ok := curated()[asn]; ok && asn != 0 {
		return k
	}
	for _, k := range byName {
		if k.words.MatchString(name) {
			return k.kind
		}
	}
	return KindUnknown
}
