package serve

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Certificate is a certificate and its key in files. They are read again when they
// change, so that a renewal needs no restart.
type Certificate struct {
	Cert, Key string
	Log       *slog.Logger

	mu      sync.Mutex
	checked time.Time
	stamp   string // of the files that current was read from
	current *tls.Certificate
}

// checkEvery is how often the files are looked at, at most.
const checkEvery = 10 * time.Second

// Config returns a configuration of TLS with the certificate, which must be readable.
func (c *Certificate) Config() (*tls.Config, error) {
	if err := c.load(time.Now()); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if now := time.Now(); now.Sub(c.checked) >= checkEvery {
			if err := c.load(now); err != nil {
				c.Log.Error("the certificate cannot be read; the one before is used", KeyErr, err)
			}
		}
		return c.current, nil
	}}, nil
}

// load reads the files if they have changed.
func (c *Certificate) load(now time.Time) error {
	c.checked = now
	stamp := ""
	for _, path := range []string{c.Cert, c.Key} {
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("cannot read the certificate: %w", err)
		}
		stamp += fmt.Sprint(info.ModTime().UnixNano(), info.Size(), " ")
	}
	if stamp == c.stamp {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return fmt.Errorf("cannot use the certificate %q with the key %q: %w", c.Cert, c.Key, err)
	}
	c.Log.Info("certificate", "names", strings.Join(names(pair.Leaf), " "), "until", pair.Leaf.NotAfter.UTC().Format(time.DateOnly), "sha256", Fingerprint(pair.Leaf))
	if now.After(pair.Leaf.NotAfter) {
		c.Log.Warn("the certificate has expired; browsers will refuse it")
	}
	c.current, c.stamp = &pair, stamp
	return nil
}

func names(c *x509.Certificate) []string {
	list := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		list = append(list, ip.String())
	}
	return list
}

// Fingerprint returns the SHA-256 of a certificate as browsers show it.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":")
}

// Names of a certificate that SelfSigned makes, in the data directory.
const (
	certFile = "tls-cert.pem"
	keyFile  = "tls-key.pem"
	// selfSignedFor is how long it is valid; it is made anew when a month is left.
	selfSignedFor = 5 * 365 * 24 * time.Hour
	renewBefore   = 30 * 24 * time.Hour
)

// SelfSigned returns the certificate in a data directory. It makes one if there is none,
// if it soon expires, or if it lacks one of the hosts, names or addresses.
func SelfSigned(dir string, hosts []string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{Cert: filepath.Join(dir, certFile), Key: filepath.Join(dir, keyFile), Log: log}
	hosts = append([]string{"localhost", "127.0.0.1", "::1"}, hosts...)
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	switch {
	case err == nil && time.Until(pair.Leaf.NotAfter) > renewBefore && covers(pair.Leaf, hosts):
		return c, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("cannot read the self-signed certificate: %w; remove %q and %q to make another", err, c.Cert, c.Key)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := c.make(hosts); err != nil {
		return nil, fmt.Errorf("cannot make a certificate: %w", err)
	}
	log.Info("made a self-signed certificate; browsers warn of it until it is trusted", "file", c.Cert)
	return c, nil
}

func covers(c *x509.Certificate, hosts []string) bool {
	have := names(c)
	return !slices.ContainsFunc(hosts, func(h string) bool { return !slices.Contains(have, h) })
}

func (c *Certificate) make(hosts []string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return err
	}
	now := time.Now()
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "bluetrail", Organization: []string{"bluetrail, self-signed"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(selfSignedFor),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		path, kind string
		der        []byte
	}{{c.Key, "PRIVATE KEY", secret}, {c.Cert, "CERTIFICATE", der}} {
		tmp := f.path + ".new"
		if err := os.WriteFile(tmp, pem.EncodeToMemory(&pem.Block{Type: f.kind, Bytes: f.der}), 0o600); err != nil {
			return err
		}
		if err := os.Rename(tmp, f.path); err != nil {
			return err
		}
	}
	return nil
}
