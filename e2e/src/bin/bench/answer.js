const [offer, size, configuration] = arguments;
const bench = (window.bench = {});
window.peer?.close();
const peer = (window.peer = new RTCPeerConnection(configuration));
let left = size;
window.channel = new Promise(opened => {
    peer.ondatachannel = ({ channel }) => {
        channel.binaryType = "arraybuffer";
        channel.onmessage = ({ data }) => {
            left -= data.byteLength;
            if (left === 0) {
                bench.finished = performance.now();
            }
        };
        channel.onopen = () => opened(channel);
    };
});
await peer.setRemoteDescription(offer);
await peer.setLocalDescription();
while (peer.iceGatheringState !== "complete") {
    await new Promise(done => peer.addEventListener("icegatheringstatechange", done, { once: true }));
}
return peer.localDescription.toJSON();
