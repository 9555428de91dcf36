// The camera: opened when asked, closed whenever the page cannot be seen.
import type { Word } from './words';

type Facing = 'environment' | 'user';

const WHY: Record<string, Word> = {
  NotAllowedError: 'cameraDenied',
  SecurityError: 'cameraDenied',
  NotFoundError: 'cameraMissing',
  OverconstrainedError: 'cameraMissing',
  NotReadableError: 'cameraBusy',
  AbortError: 'cameraBusy',
};

export class CameraError extends Error {
  constructor(readonly word: Word) {
    super(word);
  }
}

export class Camera {
  private video = document.createElement('video');
  private stream: MediaStream | null = null;
  private facing: Facing = 'environment';
  /** Called when a frame is to be had; takes it with `grab`. */
  onFrame: () => void = () => {};

  constructor() {
    this.video.muted = true;
    this.video.playsInline = true;
  }

  get open(): boolean {
    return this.stream !== null;
  }

  private get mirrored(): boolean {
    return this.stream?.getVideoTracks()[0]?.getSettings().facingMode === 'user';
  }

  async start(): Promise<void> {
    const devices = navigator.mediaDevices as MediaDevices | undefined;
    if (!devices) throw new CameraError('cameraInsecure');
    this.stop();
    try {
      this.stream = await devices.getUserMedia({
        audio: false,
        video: { facingMode: this.facing, width: { ideal: 960 }, height: { ideal: 720 } },
      });
    } catch (error) {
      throw new CameraError(WHY[(error as DOMException).name] ?? 'cameraMissing');
    }
    this.stream.getVideoTracks()[0].addEventListener('ended', () => this.stop());
    this.video.srcObject = this.stream;
    await this.video.play();
    this.await(this.stream);
  }

  stop(): void {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
  }

  async flip(): Promise<void> {
    this.facing = this.facing === 'user' ? 'environment' : 'user';
    await this.start();
  }

  /** True when there is another camera to switch to. */
  async several(): Promise<boolean> {
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices.filter((device) => device.kind === 'videoinput').length > 1;
  }

  /** The camera's picture now; mirrored where it shows the visitor's own face, as people expect of it. */
  async grab(): Promise<ImageBitmap> {
    if (!this.mirrored) return createImageBitmap(this.video);
    const { videoWidth: width, videoHeight: height } = this.video;
    const context = new OffscreenCanvas(width, height).getContext('2d')!;
    context.setTransform(-1, 0, 0, 1, width, 0);
    context.drawImage(this.video, 0, 0);
    return context.canvas.transferToImageBitmap();
  }

  private await(stream: MediaStream): void {
    const next = () => {
      if (this.stream !== stream) return;
      this.onFrame();
      this.await(stream);
    };
    // Firefox before 132 has no requestVideoFrameCallback.
    if ('requestVideoFrameCallback' in this.video) this.video.requestVideoFrameCallback(next);
    else requestAnimationFrame(next);
  }
}
