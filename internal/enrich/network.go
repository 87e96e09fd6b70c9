package enrich

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"bluetrail/internal/enrich/netpack"
)

//go:generate go run refresh_networks.go

//go:embed networkdata/networks.zst
var packedNetworks []byte

// NetworkCredit is the attribution that the licence of the shipped networks asks for.
const NetworkCredit = "RouteViews (routeviews.org), DB-IP (db-ip.com) and NRO (nro.net), CC BY 4.0"

// Network is the autonomous system that announces an address, as far as it is known.
type Network struct {
	ASN  uint32 // 0 = unknown
	Name string
	Kind Kind
}

// Networks finds the network of an address. It is safe for concurrent use, except for
// Close.
type Networks struct{ sources []networkSource }

// networkSource is one database of networks. lookup leaves the kind open, unless the
// database says it.
type networkSource interface {
	lookup(a netip.Addr) (Network, bool)
	info() DatabaseInfo
	close() error
}

// OpenNetworks opens databases of networks: .mmdb files with AS numbers, and tables of
// ranges (.csv). The path Shipped stands for the embedded one, which is also the default
// if there are no paths. The first database that knows an address answers. An error names
// the path that cannot be used.
func OpenNetworks(paths []string) (*Networks, error) {
	if len(paths) == 0 {
		paths = []string{Shipped}
	}
	n := &Networks{}
	for _, path := range paths {
		s, err := openNetworkSource(path)
		if err != nil {
			return nil, errors.Join(err, n.Close())
		}
		n.sources = append(n.sources, s)
	}
	return n, nil
}

func openNetworkSource(path string) (networkSource, error) {
	switch {
	case path == Shipped:
		return shippedNetworks{}, nil
	case strings.EqualFold(filepath.Ext(path), ".csv"):
		return openRanges(path)
	}
	d, err := openDatabase(path)
	if err != nil {
		return nil, fmt.Errorf("cannot use network database: %w; tables of ranges end in .csv", err)
	}
	return &asnDatabase{path, d}, nil
}

// Close frees the databases. No lookup may be running, or start afterwards.
func (n *Networks) Close() error {
	var errs []error
	for _, s := range n.sources {
		errs = append(errs, s.close())
	}
	n.sources = nil
	return errors.Join(errs...)
}

// Lookup returns the network of an address; ok is false if no database knows it.
func (n *Networks) Lookup(a netip.Addr) (net Network, ok bool) {
	a = a.WithZone("").Unmap()
	for _, s := range n.sources {
		if net, ok = s.lookup(a); ok {
			if net.Kind == "" {
				net.Kind = kindOf(net.ASN, net.Name)
			}
			return net, true
		}
	}
	return Network{}, false
}

// Databases describes the databases in order of precedence.
func (n *Networks) Databases() []DatabaseInfo {
	var list []DatabaseInfo
	for _, s := range n.sources {
		list = append(list, s.info())
	}
	return list
}

// tableOf is a database in memory, with the kinds of the networks that were looked up.
type tableOf struct {
	*netpack.Table
	built time.Time
	kinds []atomic.Pointer[Kind] // by holder
	given []Kind                 // by holder; nil = the database says no kinds
}

func newTable(t *netpack.Table, built time.Time, given []Kind) *tableOf {
	return &tableOf{Table: t, built: built, kinds: make([]atomic.Pointer[Kind], t.Len()), given: given}
}

func (t *tableOf) lookup(a netip.Addr) (Network, bool) {
	i, ok := t.Table.Lookup(a)
	if !ok {
		return Network{}, false
	}
	h := t.Holder(i)
	n := Network{ASN: h.ASN, Name: h.Name}
	if k := t.kinds[i].Load(); k != nil {
		n.Kind = *k
		return n, true
	}
	if t.given != nil {
		n.Kind = t.given[i]
	}
	if n.Kind == "" {
		n.Kind = kindOf(n.ASN, n.Name)
	}
	t.kinds[i].Store(&n.Kind)
	return n, true
}

// shippedTable unpacks the networks once per process.
var shippedTable = sync.OnceValues(func() (*tableOf, error) {
	raw, err := unpack(packedNetworks)
	if err == nil {
		var t *netpack.Table
		var built time.Time
		if t, built, err = netpack.Unpack(raw); err == nil {
			return newTable(t, built, nil), nil
		}
	}
	return nil, fmt.Errorf("cannot unpack the embedded networks: %w", err)
})

type shippedNetworks struct{}

func (shippedNetworks) lookup(a netip.Addr) (Network, bool) {
	t, err := shippedTable()
	if err != nil {
		return Network{}, false // info reports it
	}
	return t.lookup(a)
}

func (shippedNetworks) info() DatabaseInfo {
	i := DatabaseInfo{Path: Shipped, Type: "networks by " + NetworkCredit}
	t, err := shippedTable()
	if err != nil {
		i.Err = err
		return i
	}
	i.Built = t.built
	return i
}

func (shippedNetworks) close() error { return nil }

// asnDatabase is an .mmdb file.
type asnDatabase struct {
	path string
	*database
}

func (d *asnDatabase) lookup(a netip.Addr) (Network, bool) {
	loc := d.database.lookup(a)
	if loc == nil || loc.ASN == "" && loc.Org == "" {
		return Network{}, false
	}
	asn, _ := strconv.ParseUint(loc.ASN, 10, 32)
	return Network{ASN: uint32(asn), Name: loc.Org}, true
}

func (d *asnDatabase) info() DatabaseInfo { return d.database.info(d.path) }

func (d *asnDatabase) close() error { return d.reader.Close() }

// rangeFile is a table of ranges that the user gives.
type rangeFile struct {
	*tableOf
	path   string
	lines  int
	faults Faults
}

// maxRangeFile bounds a table of ranges, in bytes.
const maxRangeFile = 256 << 20

func openRanges(path string) (*rangeFile, error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxRangeFile {
		err = fmt.Errorf("it is larger than %d MiB", maxRangeFile>>20)
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read networks %q: %w", path, err)
	}
	f, err := readRanges(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("cannot use networks %q: %w", path, err)
	}
	f.path, f.built = path, info.ModTime().UTC()
	return f, nil
}

func (f *rangeFile) info() DatabaseInfo {
	return DatabaseInfo{Path: f.path, Type: fmt.Sprintf("%d networks", f.lines), Built: f.built, Err: f.faults.Err()}
}

func (f *rangeFile) close() error { return nil }
