package secret

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// challengeLength is that of a challenge in bytes: 256 bits that nobody can guess,
// the moment until which it is good, and the mark by which it is known again.
const challengeLength = 32 + 8 + sha256.Size

// NewChallenge makes what an authenticator is to sign, good until a moment and for
// what about says alone: the purpose, the browser, whatever must still be the same
// when the answer comes. Nothing is kept of it until it has been answered. It is no
// secret: it goes to the browser and comes back within the answer.
func (k *Keys) NewChallenge(s Source, about string, until time.Time) string {
	var b [challengeLength]byte
	s.read(b[:32])
	binary.BigEndian.PutUint64(b[32:40], uint64(until.UnixMicro()))
	copy(b[40:], k.challengeMark(b[:40], about))
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Challenge says of text that comes back whether it is a challenge of ours about
// this and good now, with the moment until which it would be.
func (k *Keys) Challenge(text, about string, now time.Time) (until time.Time, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != challengeLength || !hmac.Equal(b[40:], k.challengeMark(b[:40], about)) {
		return time.Time{}, false
	}
	until = time.UnixMicro(int64(binary.BigEndian.Uint64(b[32:40]))).UTC()
	return until, now.Before(until)
}

func (k *Keys) challengeMark(head []byte, about string) []byte {
	mac := hmac.New(sha256.New, k.challenges)
	mac.Write(head)
	mac.Write([]byte(about))
	return mac.Sum(nil)
}

// MadeUp gives bytes that stand for what a name does not have, the same ones each
// time: whoever asks about the name again must not see that they are made up. At
// most 8160.
func (k *Keys) MadeUp(what, subject string, length int) []byte {
	b, err := hkdf.Expand(sha256.New, k.subjects, "latchkey made-up "+what+" of "+subject, length)
	if err != nil {
		panic("secret: made-up bytes: " + err.Error()) // only for a length that no caller asks for
	}
	return b
}
