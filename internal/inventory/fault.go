package inventory

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Fault is a call that AWS refused or that did not get through.
type Fault struct {
	Target  Target
	Service string // ec2 or config
	Action  string
	Status  int    // of HTTP, 0 = there was no answer
	Code    string // of AWS
	Message string
}

// Codes of AWS, from "Error codes for the Amazon EC2 API" and AWS's common errors.
var (
	notPermitted = []string{"UnauthorizedOperation", "AccessDenied", "AccessDeniedException"}
	notAccepted  = []string{"AuthFailure", "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "IncompleteSignature", "InvalidSignatureException", "MissingAuthenticationToken"}
	expired      = []string{"RequestExpired", "ExpiredToken", "ExpiredTokenException"}
	wait         = []string{"RequestLimitExceeded", "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException", "ServiceUnavailable", "Unavailable", "InternalError", "InternalFailure"}
)

// missing reports whether only the permission for this call is missing.
func (f *Fault) missing() bool { return slices.Contains(notPermitted, f.Code) }

// passes reports whether the same call may work later.
func (f *Fault) passes() bool {
	return slices.Contains(wait, f.Code) || f.Status == 0 || f.Status == http.StatusTooManyRequests || f.Status >= 500
}

// Error says in words what is wrong, and what to do.
func (f *Fault) Error() string {
	at := f.Target.String()
	switch {
	case f.missing():
		return fmt.Sprintf("%s: the permission %s:%s is missing: %s", at, f.Service, f.Action, f.text())
	case slices.Contains(notAccepted, f.Code):
		return fmt.Sprintf("%s: AWS does not accept the credentials; a region that the account has not enabled answers so, too (%s: %s)", at, f.Code, f.text())
	case slices.Contains(expired, f.Code):
		return fmt.Sprintf("%s: the credentials have expired, or the clock of this machine is wrong (%s: %s)", at, f.Code, f.text())
	case slices.Contains(wait, f.Code) && f.Status < 500:
		return fmt.Sprintf("%s: AWS still asks to slow down after %d tries of %s (%s)", at, tries, f.Action, f.Code)
	case f.Status == 0:
		return fmt.Sprintf("%s: %s does not get through: %s", at, f.Action, f.text())
	case f.Code == "":
		return fmt.Sprintf("%s: %s failed with HTTP status %d", at, f.Action, f.Status)
	}
	return fmt.Sprintf("%s: %s failed: %s: %s", at, f.Action, f.Code, f.text())
}

// maxSaid bounds what is quoted of an answer.
const maxSaid = 500

// text quotes the message, without the part that only AWS can decode.
func (f *Fault) text() string {
	s, _, _ := strings.Cut(f.Message, " Encoded authorization failure message")
	if len(s) > maxSaid {
		s = strings.ToValidUTF8(s[:maxSaid], "") + "…"
	}
	return s
}
