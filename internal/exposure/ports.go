package exposure

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Traffic is what a rule lets through: a protocol, its ports and where it comes from.
type Traffic struct {
	Protocol string `json:"protocol"` // tcp, udp, icmp, icmpv6, all, or a number
	From     int    `json:"from"`     // ports, inclusive; 0 to 65535 where the protocol has none or all
	To       int    `json:"to"`
	Source   string `json:"source"` // CIDR, or the ID of a group or prefix list
}

const lastPort = 65535

// protocols are the names of the protocol numbers that AWS writes.
var protocols = map[string]string{"-1": "all", "1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6"}

// traffic returns what a rule lets through. Ports that are missing are all ports.
func traffic(protocol, from, to, source string) Traffic {
	t := Traffic{Protocol: strings.ToLower(strings.TrimSpace(protocol)), To: lastPort, Source: source}
	if name := protocols[t.Protocol]; name != "" {
		t.Protocol = name
	}
	if t.Protocol == "" {
		t.Protocol = "all"
	}
	if t.Protocol != "tcp" && t.Protocol != "udp" {
		return t
	}
	if n, err := strconv.Atoi(from); err == nil && n >= 0 && n <= lastPort {
		t.From, t.To = n, n
	}
	if n, err := strconv.Atoi(to); err == nil && n >= t.From && n <= lastPort {
		t.To = n
	}
	return t
}

// world reports whether the traffic may come from every address of IPv4 or IPv6.
func (t *Traffic) world() bool {
	p, err := netip.ParsePrefix(t.Source)
	return err == nil && p.Bits() == 0
}

// ipv6 reports whether the source is a network of IPv6.
func (t *Traffic) ipv6() bool { return strings.Contains(t.Source, ":") }

// meets reports whether some traffic of t is also traffic of o, whatever the source.
func (t *Traffic) meets(o *Traffic) bool {
	if t.Protocol != o.Protocol && t.Protocol != "all" && o.Protocol != "all" {
		return false
	}
	return t.From <= o.To && o.From <= t.To
}

// covers reports whether all traffic of o is also traffic of t, whatever the source.
func (t *Traffic) covers(o *Traffic) bool {
	return (t.Protocol == o.Protocol || t.Protocol == "all") && t.From <= o.From && o.To <= t.To
}

// services names the ports that attackers look for.
var services = map[int]string{
	21: "FTP", 22: "SSH", 23: "Telnet", 135: "RPC", 139: "NetBIOS", 445: "SMB", 1433: "SQL Server", 1521: "Oracle", 2375: "Docker", 3306: "MySQL", 3389: "RDP",
	5432: "PostgreSQL", 5601: "Kibana", 5900: "VNC", 5985: "WinRM", 5986: "WinRM", 6379: "Redis", 9200: "Elasticsearch", 10250: "kubelet", 11211: "Memcached", 27017: "MongoDB",
}

// rank orders traffic, the most dangerous first.
func (t *Traffic) rank() int {
	if t.Protocol == "icmp" || t.Protocol == "icmpv6" {
		return 2
	}
	for port := range services {
		if t.From <= port && port <= t.To {
			return 0
		}
	}
	return 1
}

// String describes the traffic: "tcp 22 (SSH) from 0.0.0.0/0".
func (t *Traffic) String() string {
	what := t.Protocol
	switch {
	case t.Protocol == "all":
		what = "all traffic"
	case t.Protocol != "tcp" && t.Protocol != "udp":
	case t.From == 0 && t.To == lastPort:
		what += ", all ports"
	case t.From == t.To:
		what += " " + strconv.Itoa(t.From)
		if name := services[t.From]; name != "" {
			what += " (" + name + ")"
		}
	default:
		what += fmt.Sprintf(" %d-%d", t.From, t.To)
	}
	return what + " from " + t.Source
}
