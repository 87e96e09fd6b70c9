package incident

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"bluetrail/internal/enrich"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// TestPlace: a summary names the country of an address, and its network where a
// database tells it.
func TestPlace(t *testing.T) {
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Country-and-ASN", IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	_, network, err := net.ParseCIDR("8.8.8.0/24")
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.Insert(network, mmdbtype.Map{
		"country":                  mmdbtype.Map{"iso_code": mmdbtype.String("US")},
		"autonomous_system_number": mmdbtype.Uint32(15169), "autonomous_system_organization": mmdbtype.String("GOOGLE"),
	}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "place.mmdb")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := tree.WriteTo(f); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		databases     []string
		address, want string
	}{
		{nil, "8.8.8.8", "US"},
		{[]string{path}, "8.8.8.8", "US AS15169 GOOGLE"},
		{[]string{path}, "10.1.2.3", ""},
		{nil, "ec2.amazonaws.com", ""},
	} {
		geo, err := enrich.OpenGeo(tc.databases)
		if err != nil {
			t.Fatal(err)
		}
		if got := Place(geo, tc.address); got != tc.want {
			t.Errorf("%s with %d databases: %q, want %q", tc.address, len(tc.databases), got, tc.want)
		}
		if err := geo.Close(); err != nil {
			t.Error(err)
		}
	}
	if got := Place(nil, "8.8.8.8"); got != "" {
		t.Errorf("without databases: %q", got)
	}
}
