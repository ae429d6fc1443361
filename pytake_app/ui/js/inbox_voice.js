// A voice note from the microphone, in whatever the browser records; the server makes of it what WhatsApp takes (Opus in Ogg).
const KINDS = ["audio/ogg;codecs=opus", "audio/webm;codecs=opus", "audio/mp4"];
const LONGEST = 15 * 60; // seconds

/** Record; `onTick(seconds, level 0…1)` about fifteen times a second. `stop()` answers the file, `cancel()` throws it away. */
export const startVoice = async (onTick) => {
  if (!navigator.mediaDevices || typeof MediaRecorder === "undefined") throw new Error("no_recorder");
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true, channelCount: 1 } });
  const type = KINDS.find((one) => MediaRecorder.isTypeSupported(one));
  const recorder = new MediaRecorder(stream, { mimeType: type, audioBitsPerSecond: 32000 });
  const parts = [];
  recorder.ondataavailable = (event) => event.data.size && parts.push(event.data);
  const context = new AudioContext();
  const meter = context.createAnalyser();
  meter.fftSize = 512;
  context.createMediaStreamSource(stream).connect(meter);
  const samples = new Uint8Array(meter.fftSize);
  const began = Date.now();
  const timer = setInterval(() => {
    meter.getByteTimeDomainData(samples);
    const seconds = (Date.now() - began) / 1000;
    onTick(seconds, Math.min(1, Math.max(...samples.map((one) => Math.abs(one - 128))) / 90));
    if (seconds > LONGEST && recorder.state === "recording") recorder.pause();
  }, 66);
  recorder.start(1000);
  const end = () => {
    clearInterval(timer);
    stream.getTracks().forEach((track) => track.stop());
    context.close();
  };
  return {
    cancel: () => {
      if (recorder.state !== "inactive") recorder.stop();
      end();
    },
    stop: () =>
      new Promise((resolve, reject) => {
        recorder.onstop = () => {
          end();
          const kind = type.split(";")[0];
          if (parts.length) resolve(new File(parts, `voz.${kind.split("/")[1]}`, { type: kind }));
          else reject(new Error("nothing_recorded"));
        };
        recorder.stop();
      }),
  };
};
