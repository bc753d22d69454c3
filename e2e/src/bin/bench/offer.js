const [size, message, high, low, configuration] = arguments;
window.peer?.close();
const peer = (window.peer = new RTCPeerConnection(configuration));
const channel = peer.createDataChannel("bytes");
channel.bufferedAmountLowThreshold = low;
const bytes = new ArrayBuffer(message);
let left = size;
const send = () => {
    while (left > 0 && channel.bufferedAmount < high) {
        const count = Math.min(left, message);
        channel.send(count === message ? bytes : bytes.slice(0, count));
        left -= count;
    }
};
channel.onbufferedamountlow = send;
channel.onmessage = send;
await peer.setLocalDescription();
while (peer.iceGatheringState !== "complete") {
    await new Promise(done => peer.addEventListener("icegatheringstatechange", done, { once: true }));
}
return peer.localDescription.toJSON();
