package generate

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"time"
)

// signer signs the digest files of a trail. Its key belongs to the seed: whoever
// knows the seed can make it, so it proves nothing but that a verifier works.
//
// A trail has thousands of digests, so the modulus has four primes (RFC 8017,
// multi-prime) and the signature is put together from four small powers: twice
// as fast as by crypto/rsa, whose care against timing protects no secret
// here. To a verifier the key is any other of 2048 bits.
type signer struct {
	modulus     *big.Int
	factors     []factor
	public      []byte // PKCS #1 DER
	fingerprint string
}

// factor is a prime of the modulus, with what recombining a signature from its
// residues takes (the Chinese remainder theorem).
type factor struct {
	prime, exponent *big.Int // exponent is the private one, modulo prime-1
	lift            *big.Int // 1 modulo prime, 0 modulo the others
}

const (
	modulusBits    = 2048
	publicExponent = 65537
)

// newSigner finds the primes in the seed's own sequence; crypto/rsa would take
// them from the system's randomness, and no two runs would be alike.
func newSigner(seed uint64) *signer {
	r := &random{state: mix(seed, hashText("signing key"))}
	for {
		s := &signer{modulus: big.NewInt(1)}
		for range 4 {
			f := newFactor(r)
			s.factors = append(s.factors, f)
			s.modulus.Mul(s.modulus, f.prime)
		}
		if s.modulus.BitLen() != modulusBits || !s.prepare() {
			continue
		}
		s.public = x509.MarshalPKCS1PublicKey(&rsa.PublicKey{N: s.modulus, E: publicExponent})
		sum := sha256.Sum256(s.public)
		s.fingerprint = hex.EncodeToString(sum[:16]) // as long as AWS's
		return s
	}
}

// newFactor returns the next prime of a quarter of the modulus, its two highest
// bits set, for which the public exponent has an inverse.
func newFactor(r *random) factor {
	var b [modulusBits / 8 / 4]byte
	exponent, one := big.NewInt(publicExponent), big.NewInt(1)
	for {
		for i := range b {
			b[i] = byte(r.next() >> 56)
		}
		b[0] |= 0xf0
		b[len(b)-1] |= 1
		p := new(big.Int).SetBytes(b[:])
		if !p.ProbablyPrime(20) {
			continue
		}
		if d := new(big.Int).ModInverse(exponent, new(big.Int).Sub(p, one)); d != nil {
			return factor{prime: p, exponent: d}
		}
	}
}

// prepare computes the lifts, and says false if two primes are the same.
func (s *signer) prepare() bool {
	for i := range s.factors {
		f := &s.factors[i]
		others := new(big.Int).Div(s.modulus, f.prime)
		inverse := new(big.Int).ModInverse(others, f.prime)
		if inverse == nil {
			return false
		}
		f.lift = others.Mul(others, inverse)
	}
	return true
}

// digestInfo is the DER that comes before a SHA-256 in PKCS #1 v1.5 (RFC 8017, 9.2).
const digestInfo = "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"

// sign returns the signature in hexadecimal, SHA256withRSA after PKCS #1 v1.5.
// That scheme draws no randomness: a text has one signature.
func (s *signer) sign(text string) string {
	sum := sha256.Sum256([]byte(text))
	block := bytes.Repeat([]byte{0xff}, modulusBits/8)
	block[0], block[1] = 0, 1
	tail := append([]byte("\x00"+digestInfo), sum[:]...)
	copy(block[len(block)-len(tail):], tail)
	message, signature := new(big.Int).SetBytes(block), new(big.Int)
	for _, f := range s.factors {
		power := new(big.Int).Exp(new(big.Int).Mod(message, f.prime), f.exponent, f.prime)
		signature.Add(signature, power.Mul(power, f.lift))
	}
	signature.Mod(signature, s.modulus)
	return hex.EncodeToString(signature.FillBytes(block))
}

// publicKeys is the answer of CloudTrail's ListPublicKeys.
type publicKeys struct {
	PublicKeyList []publicKey `json:"PublicKeyList"`
}

type publicKey struct {
	Value             string    `json:"Value"` // base64 of PKCS #1 DER
	ValidityStartTime time.Time `json:"ValidityStartTime"`
	ValidityEndTime   time.Time `json:"ValidityEndTime"`
	Fingerprint       string    `json:"Fingerprint"`
}

func (s *signer) list(from, to time.Time) publicKeys {
	return publicKeys{[]publicKey{{base64.StdEncoding.EncodeToString(s.public), from, to, s.fingerprint}}}
}
