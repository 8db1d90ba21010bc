package extract

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	_ "image/gif"  // for DecodeConfig
	_ "image/jpeg" // for DecodeConfig
	_ "image/png"  // for DecodeConfig
	"strings"
)

// imageNote stands for an image where a model gets only text: that there is one, and how large. Pixels are not decoded.
func imageNote(in *input, out *output) error {
	// Metadata may stand before a JPEG's size.
	head, err := in.budget.ReadAll(in, 1<<20)
	if err != nil {
		return err
	}
	cfg, format, err := image.DecodeConfig(bytes.NewReader(head))
	if err != nil {
		if cfg, err = webpConfig(head); err != nil {
			return fmt.Errorf("%w: %s", ErrMalformed, in.mediaType)
		}
		format = "webp"
	}
	_, err = fmt.Fprintf(out, "[%s image, %d × %d pixels; its content is not available as text]\n",
		strings.ToUpper(format), cfg.Width, cfg.Height)
	return err
}

// webpConfig reads the size out of a WebP header (RFC 9649, 2.5 to 2.7).
func webpConfig(b []byte) (image.Config, error) {
	if len(b) < 30 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WEBP" {
		return image.Config{}, ErrMalformed
	}
	cfg := image.Config{ColorModel: color.NRGBAModel}
	switch string(b[12:16]) {
	case "VP8 ": // a 3-byte frame tag and a start code before two sizes of 14 bits
		cfg.Width = int(binary.LittleEndian.Uint16(b[26:]) & 0x3FFF)
		cfg.Height = int(binary.LittleEndian.Uint16(b[28:]) & 0x3FFF)
	case "VP8L": // a signature byte, then 14 bits each, less one
		n := binary.LittleEndian.Uint32(b[21:])
		cfg.Width, cfg.Height = int(n&0x3FFF)+1, int(n>>14&0x3FFF)+1
	case "VP8X": // flags and three reserved bytes, then 24 bits each, less one
		cfg.Width = int(b[24]) + int(b[25])<<8 + int(b[26])<<16 + 1
		cfg.Height = int(b[27]) + int(b[28])<<8 + int(b[29])<<16 + 1
	default:
		return image.Config{}, ErrMalformed
	}
	return cfg, nil
}
