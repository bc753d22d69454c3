// Notes when the first piece of a file arrives in this page, in milliseconds since 1970.
const make = RTCPeerConnection.prototype.createDataChannel;
RTCPeerConnection.prototype.createDataChannel = function (label, options) {
  const channel = make.call(this, label, options);
  const note = ({ data }) => (window.firstBytes ??= data.byteLength > 4096 ? Date.now() : undefined);
  if (label === "data") channel.addEventListener("message", note);
  return channel;
};
