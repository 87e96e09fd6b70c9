package generate

import (
	"encoding/binary"
	"net/netip"
)

// office is where people work: its hours follow its own clock and its addresses
// belong to the country's providers. Clocks are fixed offsets, without summer time.
type office struct {
	city    string
	country string
	offset  int64 // seconds east of UTC
	share   uint64
	homes   netip.Prefix // addresses of the people's own lines
	egress  netip.Addr   // what the office's own network leaves from
}

// The ranges below belong to large providers, each wholly within its country in
// the public routing tables, so that any country database places them.
var offices = []office{
	{"Zurich", "CH", 1 * 3600, 40, netip.MustParsePrefix("85.2.0.0/16"), netip.MustParseAddr("178.197.224.18")},
	{"London", "GB", 0, 20, netip.MustParsePrefix("81.136.0.0/14"), netip.MustParseAddr("86.134.21.90")},
	{"Philadelphia", "US", -5 * 3600, 25, netip.MustParsePrefix("73.32.0.0/13"), netip.MustParseAddr("98.201.77.4")},
	{"Bengaluru", "IN", 5*3600 + 1800, 15, netip.MustParsePrefix("117.192.0.0/12"), netip.MustParseAddr("117.199.130.66")},
}

// Where attackers come from, and where CI runners and the organisation's own
// gateways stand.
var (
	rangeRussia      = netip.MustParsePrefix("95.24.0.0/14")
	rangeVietnam     = netip.MustParsePrefix("14.160.0.0/13")
	rangeChina       = netip.MustParsePrefix("114.80.0.0/14")
	rangeUkraine     = netip.MustParsePrefix("46.118.0.0/16")
	rangeNigeria     = netip.MustParsePrefix("41.184.0.0/16")
	rangeNetherlands = netip.MustParsePrefix("86.80.0.0/13")
	rangeHosting     = netip.MustParsePrefix("46.4.0.0/16")
	rangeRunners     = netip.MustParsePrefix("20.64.0.0/14")
	rangeOcean       = netip.MustParsePrefix("159.89.0.0/18")    // rented servers
	rangeTor         = netip.MustParsePrefix("185.220.101.0/24") // exits of Tor
	rangeTunnel      = netip.MustParsePrefix("146.70.0.0/17")    // a provider of VPNs
	rangeJapan       = netip.MustParsePrefix("126.0.0.0/10")
	rangeSpain       = netip.MustParsePrefix("88.0.0.0/13")
)

// gateways are the public ranges that a region's own instances leave from.
var gateways = map[string]netip.Prefix{
	"us-east-1":      netip.MustParsePrefix("3.208.0.0/13"),
	"eu-central-1":   netip.MustParsePrefix("3.120.0.0/14"),
	"eu-west-1":      netip.MustParsePrefix("54.194.0.0/16"),
	"us-west-2":      netip.MustParsePrefix("52.32.0.0/14"),
	"ap-southeast-2": netip.MustParsePrefix("13.54.0.0/16"),
}

// addressIn returns the address of the IPv4 range that h picks, never its first or last.
func addressIn(p netip.Prefix, h uint64) netip.Addr {
	base := p.Masked().Addr().As4()
	n := uint64(1)<<(32-p.Bits()) - 2
	v := binary.BigEndian.Uint32(base[:]) + 1 + uint32(within(h, n))
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], v)
	return netip.AddrFrom4(a)
}

const (
	day    = 86400
	hour   = 3600
	slot   = 300 // CloudTrail delivers about every five minutes
	perDay = day / slot
)

// weekday is 0 for Monday. 1970-01-01 was a Thursday.
func weekday(unix int64) int64 { return (unix/day + 3) % 7 }

// officeHours is how busy people are in each hour of a working day, by their own clock.
var officeHours = [24]uint64{1, 1, 0, 0, 0, 1, 4, 18, 62, 96, 100, 92, 48, 70, 98, 94, 80, 52, 22, 10, 7, 6, 4, 2}

// activity is how busy the office is at the time, 0 to 100.
func (o *office) activity(unix int64) uint64 {
	local := unix + o.offset
	a := officeHours[local%day/hour]
	if weekday(local) >= 5 {
		a = (a + 19) / 20
	}
	return a
}

// peopleActivity is the same for all offices together, 0 to 100·100.
func peopleActivity(unix int64) uint64 {
	var sum uint64
	for i := range offices {
		sum += offices[i].share * offices[i].activity(unix)
	}
	return sum
}
