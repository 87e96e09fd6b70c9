// Package digest verifies CloudTrail's digest files: their signatures, the chains that
// they form, and the log files that they name. It reads through Objects, so that folders
// and buckets are verified alike.
//
// CloudTrail delivers one digest an hour for each trail, account and region. A digest
// names the log files that were delivered in its hour with their SHA-256, and the digest
// before it with its SHA-256 and its signature. The signature of a digest itself is in
// the metadata of its object. See "CloudTrail digest file structure" and "Custom
// implementations of CloudTrail log file integrity validation" in AWS's user guide.
package digest

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Digest is the content of a digest file.
type Digest struct {
	Account     string    `json:"awsAccountId"`
	Start       time.Time `json:"digestStartTime"`
	End         time.Time `json:"digestEndTime"`
	Bucket      string    `json:"digestS3Bucket"`
	Object      string    `json:"digestS3Object"`
	Fingerprint string    `json:"digestPublicKeyFingerprint"`
	Algorithm   string    `json:"digestSignatureAlgorithm"`

	// The digest before; all empty in the first of a chain.
	PreviousBucket    string `json:"previousDigestS3Bucket"`
	PreviousObject    string `json:"previousDigestS3Object"`
	PreviousHash      string `json:"previousDigestHashValue"`
	PreviousAlgorithm string `json:"previousDigestHashAlgorithm"`
	PreviousSignature string `json:"previousDigestSignature"`

	Logs []Log `json:"logFiles"`
}

// Log is a log file as a digest names it.
type Log struct {
	Bucket    string `json:"s3Bucket"`
	Object    string `json:"s3Object"`
	Hash      string `json:"hashValue"` // hexadecimal, of the file without compression
	Algorithm string `json:"hashAlgorithm"`
}

// The algorithms that CloudTrail uses.
const (
	signatureAlgorithm = "SHA256withRSA"
	hashAlgorithm      = "SHA-256"
)

// Parse reads the content of a digest file.
func Parse(body []byte) (*Digest, error) {
	var d Digest
	if err := json.Unmarshal(body, &d); err != nil {
		return nil, fmt.Errorf("it is not a digest file: %w", err)
	}
	switch {
	case d.Object == "" || d.Start.IsZero() || d.End.IsZero():
		return nil, fmt.Errorf("it is not a digest file: digestS3Object, digestStartTime or digestEndTime is missing")
	case d.Algorithm != signatureAlgorithm:
		return nil, fmt.Errorf("its signature algorithm is %q, not %s", d.Algorithm, signatureAlgorithm)
	case !d.End.After(d.Start):
		return nil, fmt.Errorf("it ends at %s, before it starts", clock(d.End))
	}
	for i := range d.Logs {
		if d.Logs[i].Algorithm != hashAlgorithm {
			return nil, fmt.Errorf("the hash algorithm of %s is %q, not %s", d.Logs[i].Object, d.Logs[i].Algorithm, hashAlgorithm)
		}
	}
	return &d, nil
}

// signed returns the text that the signature of a digest signs. hash is the hexadecimal
// SHA-256 of its content. The end is written as in the content: in UTC, to the second.
func (d *Digest) signed(hash string) string {
	previous := d.PreviousSignature
	if previous == "" {
		previous = "null"
	}
	return d.End.UTC().Format("2006-01-02T15:04:05Z") + "\n" + d.Bucket + "/" + d.Object + "\n" + hash + "\n" + previous
}

// check verifies a signature in hexadecimal.
func (d *Digest) check(key *rsa.PublicKey, hash, signature string) error {
	raw, err := hex.DecodeString(signature)
	if err != nil {
		return fmt.Errorf("the signature is not hexadecimal")
	}
	sum := sha256.Sum256([]byte(d.signed(hash)))
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], raw)
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }
