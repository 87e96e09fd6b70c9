package generate

import (
	"crypto"
	"crypto/md5"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"time"
)

// signer signs the digest files of a trail. Its key belongs to the seed: whoever
// knows the seed can make it, so it proves nothing but that a verifier works.
type signer struct {
	key         *rsa.PrivateKey
	public      []byte // PKCS #1 DER
	fingerprint string
}

// newSigner finds the key's primes in the seed's own sequence, because
// crypto/rsa would take them from the system's randomness.
func newSigner(seed uint64) (*signer, error) {
	r := &random{state: mix(seed, hashText("signing key"))}
	exponent := big.NewInt(65537)
	one := big.NewInt(1)
	for {
		p, q := primeFrom(r, exponent), primeFrom(r, exponent)
		n := new(big.Int).Mul(p, q)
		if p.Cmp(q) == 0 || n.BitLen() != 2048 {
			continue
		}
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: n, E: 65537}, D: new(big.Int).ModInverse(exponent, phi), Primes: []*big.Int{p, q}}
		key.Precompute()
		if err := key.Validate(); err != nil {
			return nil, fmt.Errorf("cannot make a signing key: %w", err)
		}
		public := x509.MarshalPKCS1PublicKey(&key.PublicKey)
		sum := md5.Sum(public) // a name of 32 digits, as AWS's fingerprints have; no one trusts it
		return &signer{key, public, hex.EncodeToString(sum[:])}, nil
	}
}

// primeFrom returns the next prime p of 1024 bits, its two highest set, for
// which p-1 has no factor in common with the exponent.
func primeFrom(r *random, exponent *big.Int) *big.Int {
	var b [128]byte
	one := big.NewInt(1)
	for {
		for i := range b {
			b[i] = byte(r.next() >> 56)
		}
		b[0] |= 0xc0
		b[len(b)-1] |= 1
		p := new(big.Int).SetBytes(b[:])
		if !p.ProbablyPrime(20) {
			continue
		}
		if gcd := new(big.Int).GCD(nil, nil, new(big.Int).Sub(p, one), exponent); gcd.Cmp(one) == 0 {
			return p
		}
	}
}

// sign returns the signature in hexadecimal, SHA256withRSA after PKCS #1 v1.5.
// That scheme draws no randomness: a text has one signature.
func (s *signer) sign(text string) (string, error) {
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(nil, s.key, crypto.SHA256, sum[:])
	return hex.EncodeToString(sig), err
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
