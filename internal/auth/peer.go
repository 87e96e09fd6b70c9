package auth

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the addresses of proxies whose X-Forwarded headers are believed.
type Proxies []netip.Prefix

// ParseProxies reads addresses and networks.
func ParseProxies(list []string) (p Proxies, err error) {
	for _, text := range list {
		if a, err := netip.ParseAddr(text); err == nil {
			p = append(p, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		n, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		p = append(p, n.Masked())
	}
	return p, nil
}

func (p Proxies) has(a netip.Addr) bool {
	for _, n := range p {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// Peer is where a request comes from.
type Peer struct {
	Addr   netip.Addr // of the client, as far as proxies that are believed say
	Secure bool       // the client speaks TLS
	Host   string     // the name and port that the client used
	Agent  string
	// Forwarded says that the request came through a proxy that is not believed, so that
	// Addr is the proxy's.
	Forwarded bool
}

// maxAgent bounds what is kept of the name of a browser, in bytes.
const maxAgent = 256

// Peer tells where a request comes from.
func (p Proxies) Peer(r *http.Request) Peer {
	peer := Peer{Addr: remote(r), Secure: r.TLS != nil, Host: r.Host, Agent: cut(r.UserAgent(), maxAgent)}
	if !p.has(peer.Addr) {
		peer.Forwarded = r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != "" || r.Header.Get("X-Real-Ip") != ""
		return peer
	}
	if proto := lastOf(r.Header.Values("X-Forwarded-Proto")); proto != "" {
		peer.Secure = proto == "https"
	}
	if host := lastOf(r.Header.Values("X-Forwarded-Host")); host != "" {
		peer.Host = host
	}
	// From the right: each proxy appends whom it heard from, and what is left of the
	// first that is not believed can be made up.
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		a, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		peer.Addr = a.Unmap().WithZone("")
		if !p.has(peer.Addr) {
			break
		}
	}
	return peer
}

// lastOf returns the last of values that are separated by commas.
func lastOf(values []string) string {
	all := strings.Join(values, ",")
	return strings.TrimSpace(all[strings.LastIndexByte(all, ',')+1:])
}

func remote(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

// Local reports whether a request comes from this machine.
func (p Peer) Local() bool { return p.Addr.IsLoopback() && !p.Forwarded }

// network returns what tries to sign in are counted by: an IPv4 address, or the /64 of
// an IPv6 address, which one subscriber has.
func (p Peer) network() string {
	if p.Addr.Is6() {
		if n, err := p.Addr.Prefix(64); err == nil {
			return n.String()
		}
	}
	return p.Addr.String()
}

// Hosts decides which names a server answers to. A page of another site whose name was
// made to point to this server (DNS rebinding) asks with a name that is not among them.
type Hosts struct {
	Names    []string // beside those of this machine
	Loopback bool     // the server listens on a loopback address only
	Proxies  Proxies
}

// Allowed reports whether a request names this server.
func (h *Hosts) Allowed(r *http.Request) bool {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	for _, name := range h.Names {
		if strings.EqualFold(name, host) {
			return true
		}
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return !h.Loopback || a.IsLoopback() || h.Proxies.has(remote(r))
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	// Without a list of names, a server for others cannot know its own, and a proxy in
	// front of it has checked them.
	return len(h.Names) == 0 && (!h.Loopback || h.Proxies.has(remote(r)))
}

// cut shortens a text to at most n bytes, at a character.
func cut(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "�")
}
