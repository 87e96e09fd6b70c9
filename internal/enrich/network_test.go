package enrich

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bluetrail/internal/event"

	"github.com/google/go-cmp/cmp"
	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

func TestShippedNetworks(t *testing.T) {
	f := &Facts{}
	for address, want := range map[string]Source{
		"8.8.8.8":                  {Country: "United States", ASN: "15169", Network: "Google LLC", Kind: KindCloud},
		"2001:4860:4860::8888":     {Country: "United States", ASN: "15169", Network: "Google LLC", Kind: KindCloud},
		"::ffff:8.8.8.8":           {Country: "United States", ASN: "15169", Network: "Google LLC", Kind: KindCloud},
		"52.94.76.1":               {Country: "United States", ASN: "16509", Network: "Amazon.com, Inc.", Kind: KindAWS},
		"81.2.69.142":              {Country: "United Kingdom", ASN: "20712", Network: "Andrews & Arnold Ltd", Kind: KindUnknown},
		"135.181.1.1":              {Country: "Germany", ASN: "24940", Network: "Hetzner Online GmbH", Kind: KindHosting},
		"10.1.2.3":                 {Kind: KindPrivate},
		"169.254.169.254":          {Kind: KindPrivate},
		"192.0.2.1":                {Kind: KindUnknown},
		"ec2.amazonaws.com":        {Kind: KindService},
		"AWS Internal":             {Kind: KindService},
		"":                         {},
		"8.8.8.8:443":              {},
		strings.Repeat("9", 10000): {},
	} {
		for range 2 { // found, and remembered
			got := *f.Source(address)
			got.text = ""
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(Source{})); diff != "" {
				t.Errorf("%.40q: %s", address, diff)
			}
		}
	}
}

// TestNetworkSource: what is shipped is what SOURCE says, its licence lies beside it, and
// the kinds can be read and say their date.
func TestNetworkSource(t *testing.T) {
	raw, err := unpack(packedNetworks)
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string][]string{
		"networkdata/SOURCE":  {"@ip-location-db/asn", "CC BY 4.0", fmt.Sprintf("%x", sha256.Sum256(raw))},
		"networkdata/LICENSE": {"Creative Commons Attribution 4.0", "routeviews.org", "db-ip.com", "nro.net"},
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(string(text), w) {
				t.Errorf("%s does not say %q", file, w)
			}
		}
	}
	if kinds, err := readKinds(curatedText); err != nil || len(kinds) < 1000 {
		t.Error(len(kinds), err)
	}
	if !strings.HasPrefix(CuratedDate(), "2026-") {
		t.Error(CuratedDate())
	}
	n, err := OpenNetworks(nil)
	if err != nil {
		t.Fatal(err)
	}
	if info := n.Databases(); len(info) != 1 || info[0].Err != nil || info[0].Built.Format("2006-01-02") != "2026-06-17" || !strings.Contains(info[0].Type, "DB-IP") {
		t.Errorf("%+v", info)
	}
}

func TestKinds(t *testing.T) {
	for name, want := range map[string]Kind{
		"Contabo GmbH": KindUnknown, "Some Hosting Ltd": KindHosting, "Servers.com, Inc.": KindHosting, "BlueCloud SRL": KindHosting, "OVH VPS": KindHosting,
		"Joe's Datacenter, LLC": KindHosting, "Super VPN Inc": KindVPN, "IPLOCKVPN.COM": KindVPN, "Red-Proxy, LLC": KindVPN, "Tor Exit Operators": KindTor, "Toronto Hydro": KindUnknown,
		"Deutsche Telekom AG": KindAccess, "Comcast Cable Communications, LLC": KindAccess, "University of Michigan": KindAccess, "Example Bank": KindUnknown, "": KindUnknown,
	} {
		if got := kindOf(0, name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if got := kindOf(51167, "Contabo GmbH"); got != KindHosting {
		t.Error(got)
	}
}

// TestOwnDatabases: the user's files go before each other in their order; the shipped
// networks come only if they are named.
func TestOwnDatabases(t *testing.T) {
	mmdb := writeDatabase(t, mmdbwriter.Options{DatabaseType: "ASN"}, map[string]mmdbtype.DataType{network: asnRecord()})
	csv := filepath.Join(t.TempDir(), "own.csv")
	if err := os.WriteFile(csv, []byte("network,asn,name,kind\n10.1.0.0/16,64512,Head office,access\n203.0.113.0/24,,Our VPN,vpn\n203.0.113.128/25,AS64513,Lab Hosting\nnonsense,1,x\n8.8.8.0/24,1,x,nonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	lookup := func(n *Networks, address string) Network {
		net, _ := n.Lookup(netip.MustParseAddr(address))
		return net
	}
	own, err := OpenNetworks([]string{csv, mmdb})
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	for address, want := range map[string]Network{
		"10.1.2.3":      {64512, "Head office", KindAccess},
		"203.0.113.1":   {0, "Our VPN", KindVPN},
		"203.0.113.200": {64513, "Lab Hosting", KindHosting}, // a network within another; its name tells its kind
		"18.232.1.2":    {14618, "AMAZON-AES", KindAWS},
		"8.8.8.8":       {},
	} {
		if got := lookup(own, address); got != want {
			t.Errorf("%s: %+v, want %+v", address, got, want)
		}
	}
	info := own.Databases()
	if len(info) != 2 || info[0].Err == nil || info[0].Err.Error() != `2 lines cannot be used, the first is line 5: "nonsense" is not a network` || info[1].Err != nil {
		t.Errorf("%+v", info)
	}
	both, err := OpenNetworks([]string{csv, Shipped})
	if err != nil {
		t.Fatal(err)
	}
	if got := lookup(both, "8.8.8.8"); got.ASN != 15169 {
		t.Errorf("%+v", got)
	}
	// A private address of a known network has its kind.
	if s := (&Facts{Networks: own}).Source("10.1.2.3"); s.Kind != KindAccess || s.Network != "Head office" {
		t.Errorf("%+v", s)
	}
}

func TestRangeForms(t *testing.T) {
	for name, text := range map[string]string{
		"positions":       "203.0.113.0,203.0.113.255,64500,Example\n",
		"with a kind":     "203.0.113.0,203.0.113.255,64500,Example,unknown\n",
		"networks":        "203.0.113.0/24,AS64500,Example\n",
		"header":          "kind,name,asn,end,start\n,Example,64500,203.0.113.255,203.0.113.0\n",
		"byte order mark": "\ufeffnetwork,asn,name\n203.0.113.0/24,64500,Example\n",
		"comment":         "# ours\nnetwork,asn,name\n203.0.113.0/24,64500,Example\n",
	} {
		f, err := readRanges(strings.NewReader(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if n, ok := f.lookup(netip.MustParseAddr("203.0.113.9")); !ok || n.ASN != 64500 || n.Name != "Example" || f.faults.Lines != 0 {
			t.Errorf("%s: %+v %+v", name, n, f.faults)
		}
	}
	for text, want := range map[string]string{
		"":                    "it is empty",
		"network,asn\n":       "it is empty",
		"city,country\na,b\n": "neither an address nor a column network",
		"network\n1.0.0.0/8":  "none of the columns asn, name and kind",
		"network,asn\nx,1\n":  `line 2 cannot be used: "x" is not a network`,
		"1.1.1.2,1.1.1.1,5,a": "not a range of addresses",
	} {
		if _, err := readRanges(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

type fixedLists []Hit

func (l fixedLists) Lookup(a netip.Addr) []Hit {
	if a == netip.MustParseAddr("203.0.113.9") {
		return l
	}
	return nil
}

// TestFields: the fields are computed for those that name them, from the facts in use.
func TestFields(t *testing.T) {
	old := Current()
	defer Use(old)
	Use(&Facts{
		Lists:    fixedLists{{List: "feed", Reason: "scans ssh"}, {List: "tor-exits", Kind: KindTor}, {List: "feed", Reason: "scans rdp"}},
		Accounts: map[string]Account{"111122223333": {ID: "111122223333", Name: "shop", Owner: "team-a", Environment: "production", Critical: true}},
	})
	names := []string{"src_country", "src_asn", "src_network", "src_network_kind", "src_list", "src_list_reason", "account_name", "account_owner", "account_environment", "account_critical"}
	x := event.NewExtractor(names)
	row := x.NewRow()
	for record, want := range map[string][]string{
		`{"eventVersion":"1.11","eventName":"GetRole","eventSource":"iam.amazonaws.com","sourceIPAddress":"203.0.113.9","recipientAccountId":"111122223333"}`: {
			"", "", "", "tor", "feed|tor-exits", "feed: scans ssh|feed: scans rdp", "shop", "team-a", "production", "true"},
		`{"eventVersion":"1.11","eventName":"GetRole","eventSource":"iam.amazonaws.com","sourceIPAddress":"8.8.8.8","recipientAccountId":"444455556666"}`: {
			"United States", "15169", "Google LLC", "cloud", "", "", "", "", "", ""},
		`{"eventVersion":"1.11","eventName":"GetRole","eventSource":"iam.amazonaws.com"}`: {"", "", "", "", "", "", "", "", "", ""},
	} {
		if err := x.Extract([]byte(record), &event.Meta{Sourcetype: event.CloudTrail}, row); err != nil {
			t.Fatal(err)
		}
		for i, name := range names {
			c := row.Cell(i)
			got := c.Text
			if c.Many != nil {
				got = strings.Join(c.Many, "|")
			}
			if got != want[i] || c.Set != (want[i] != "") {
				t.Errorf("%s: %s = %q, want %q", record, name, got, want[i])
			}
		}
	}
	for _, name := range names {
		if !event.OnRequest(name) {
			t.Errorf("%s is computed for every event", name)
		}
	}
}

// BenchmarkFields is the cost of all fields of a source address in CPU time, for addresses
// that come again and again (hot) and for random ones, of which too many come to be
// remembered.
func BenchmarkFields(b *testing.B) {
	names := []string{"src_country", "src_asn", "src_network", "src_network_kind"}
	var fields []*event.Field
	for _, n := range names {
		fields = append(fields, event.Lookup(n))
	}
	for name, n := range map[string]int{"hot": 1000, "random": 1 << 16} {
		b.Run(name, func(b *testing.B) {
			Use(&Facts{})
			ips := addresses(n)
			for _, ip := range ips { // every network has its kind
				Current().Source(ip)
			}
			before := cpuTime()
			cell := &event.Cell{Set: true}
			in := event.Inputs{cell}
			for i := 0; b.Loop(); i++ {
				cell.Text = ips[i%n]
				for _, f := range fields {
					f.Derive(in)
				}
			}
			b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// cpuTime is what the process has used: the clock says little on a busy machine.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
